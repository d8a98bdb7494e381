import re
from typing import Any

import pytest

from tests.http.http_server import RunningServer


async def test_the_page_loads_everything_from_this_server(paris: RunningServer) -> None:
    page = await paris.client.get("/docs")

    assert page.status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->", "", page.text)
    links = re.findall(r"""(?:src|href)="([^"]*)"|url: '([^']*)'""", page.text)
    assert sorted("".join(link) for link in links) == [
        "/docs/favicon.png",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/openapi.json",
    ]


async def test_the_browser_may_connect_to_no_other_server(paris: RunningServer) -> None:
    page = await paris.client.get("/docs")

    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self';")
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    ("name", "kind", "beginning"),
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8", b"/*! For license"),
        ("swagger-ui.css", "text/css; charset=utf-8", b".swagger-ui"),
        ("favicon.png", "image/png", b"\x89PNG"),
    ],
)
async def test_the_files_of_the_page_are_served(
    paris: RunningServer, name: str, kind: str, beginning: bytes
) -> None:
    response = await paris.client.get(f"/docs/{name}")

    assert response.status_code == 200
    assert response.headers["content-type"] == kind
    assert response.content.startswith(beginning)


async def test_no_other_file_is_served(paris: RunningServer) -> None:
    response = await paris.client.get("/docs/core.py")

    assert response.status_code == 400


async def test_every_endpoint_is_described_with_an_example(paris: RunningServer) -> None:
    schema = (await paris.client.get("/openapi.json")).json()

    operations = [o for path in schema["paths"].values() for o in path.values()]
    assert sorted(schema["paths"]) == [
        "/admin/complete",
        "/admin/events",
        "/admin/status",
        "/admin/stop",
        "/admin/tune",
        "/api/chat",
        "/api/embed",
        "/api/embeddings",
        "/api/generate",
        "/api/ps",
        "/api/pull",
        "/api/show",
        "/api/tags",
        "/api/version",
        "/apply-template",
        "/chat/completions",
        "/chat/completions/input_tokens",
        "/completion",
        "/detokenize",
        "/embedding",
        "/health",
        "/infill",
        "/metrics",
        "/models",
        "/props",
        "/slots",
        "/tokenize",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/engines/{engine}/completions",
        "/v1/events",
        "/v1/health",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/responses",
        "/v1beta/server_setting",
    ]
    assert all(o["summary"] and o["description"] for o in operations)
    bodies = [o["requestBody"]["content"]["application/json"] for o in operations if body_of(o)]
    assert all("examples" in body or has_example(schema, body) for body in bodies)


async def test_every_example_of_the_page_works(paris: RunningServer) -> None:
    schema = (await paris.client.get("/openapi.json")).json()
    answers = []
    for path, operation in operations_with_examples(schema):
        for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
            answers.append(await paris.post(path.format(engine="any"), example["value"]))

    assert len(answers) > 20
    assert {answer.status_code for answer in answers} == {200}


async def test_every_reference_in_the_schema_leads_somewhere(paris: RunningServer) -> None:
    response = await paris.client.get("/openapi.json")

    names = set(re.findall(r'"#/components/schemas/([^"]+)"', response.text))
    assert response.text.count('"$ref":"#/components/schemas/') == response.text.count('"$ref"')
    assert names == set(response.json()["components"]["schemas"])


def body_of(operation: dict[str, Any]) -> bool:
    return "requestBody" in operation


def has_example(schema: dict[str, Any], body: dict[str, Any]) -> bool:
    name = body["schema"]["$ref"].rsplit("/", 1)[1]
    return "examples" in schema["components"]["schemas"][name]


def operations_with_examples(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation)
        for path, operations in schema["paths"].items()
        for operation in operations.values()
        if body_of(operation)
        and "examples" in operation["requestBody"]["content"]["application/json"]
    ]
