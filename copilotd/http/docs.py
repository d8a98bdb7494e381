"""The API page, which works offline: Swagger UI's files come from a Python package.

Its Content-Security-Policy lets the browser connect to this server only.
"""

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; "
    "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_UI_SETTINGS = {
    "tryItOutEnabled": True,
    "defaultModelsExpandDepth": -1,
    "displayRequestDuration": True,
    "docExpansion": "list",
    # With a URL, Swagger UI would send the schema to a public service to check it.
    "validatorUrl": None,
}


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    """The API page."""
    html = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/docs/favicon.png",
        swagger_ui_parameters=_UI_SETTINGS,
    )
    html.headers["Content-Security-Policy"] = _POLICY
    return html


@router.get("/docs/{name}")
def asset(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]) -> Response:
    """One of the files that the page loads."""
    data = files("fastapi_offline").joinpath("static", name).read_bytes()
    return Response(data, media_type=_TYPES[name], headers={"Cache-Control": "max-age=3600"})
