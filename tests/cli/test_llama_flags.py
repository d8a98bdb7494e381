"""The flags of llama-server become settings of copilotd."""

from typing import Any

import pytest

from copilotd.cli.llama_flags import parse_flags
from copilotd.config import load
from copilotd.errors import ConfigError
from copilotd.paths import Paths


def list_changed_settings(*words: str) -> dict[str, Any]:
    """List the settings that these arguments change from the defaults."""
    default, settings = parse_flags([]).settings, parse_flags(words).settings
    return {
        f"{table}.{key}": value
        for table, values in settings.items()
        for key, value in values.items()
        if default.get(table, {}).get(key) != value
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--port 8081 --host ::1", {"server.port": 8081, "server.host": "::1"}),
        ("-m /models/a.gguf -a b,a", {"model.name": "/models/a.gguf", "model.alias": "a"}),
        ("--ctx-size 4096 -np 2", {"model.n_ctx": 2048, "llama_cpp.slots": 2}),
        ("-c 512", {"model.n_ctx": 512}),
        ("-c 512 -np 3", {"model.n_ctx": 256, "llama_cpp.slots": 3}),
        ("-c 512 -np 2 --kv-unified", {"model.n_ctx": 512, "llama_cpp.slots": 2}),
        ("-c 0", {}),
        ("-n 64", {"llama_cpp.n_predict": 64, "chat.max_tokens": 64}),
        ("--n-predict -1 --seed 42", {"llama_cpp.n_predict": -1, "llama_cpp.seed": 42}),
        ("--temp=0", {"llama_cpp.temperature": 0.0, "chat.temperature": 0.0}),
        (
            "-t -1 -ngl all -fa on",
            {"model.n_threads": 0, "model.n_gpu_layers": -1, "model.flash_attention": "on"},
        ),
        ("--no-slots --metrics", {"llama_cpp.show_slots": False, "llama_cpp.metrics": True}),
        ("--sleep-idle-seconds 90", {"engine.idle_minutes": 1.5}),
        ("--verbose", {"log.level": "DEBUG"}),
        ("--mmproj /models/eye.gguf", {"chat.mmproj": "/models/eye.gguf"}),
        ("-md /models/small.gguf", {"model.draft": "/models/small.gguf"}),
    ],
)
def test_each_flag_becomes_its_setting(line: str, expected: dict[str, Any]) -> None:
    assert list_changed_settings(*line.split()) == expected


def test_flags_without_effect_are_accepted_silently() -> None:
    flags = parse_flags("--jinja -b 512 -ub 128 --cont-batching --embedding --no-webui".split())

    assert (flags.ignored, flags.settings) == ([], parse_flags([]).settings)


def test_unsupported_flags_are_listed_with_their_values() -> None:
    flags = parse_flags("--lora a.bin --pooling -1 --no-mmap --hf-token hf-1 --port 1 -x".split())

    assert flags.ignored == ["--lora a.bin", "--pooling -1", "--no-mmap", "--hf-token", "-x"]
    assert flags.settings["server"] == {"port": 1}


def test_an_api_key_is_required_of_clients_and_is_not_a_setting() -> None:
    flags = parse_flags("--api-key sk-1,sk-2".split())

    assert flags.api_key == "sk-1"
    assert "sk-1" not in repr(flags)
    assert flags.settings["server"]["require_token"] == "on"
    assert load(Paths.of_user().config / "nowhere.toml", overrides=flags.settings)


@pytest.mark.parametrize("line", ["--port", "--port eight", "--temp=warm"])
def test_an_invalid_value_is_an_error(line: str) -> None:
    with pytest.raises(ConfigError, match=r"^--(port|temp) "):
        parse_flags(line.split())


def test_the_defaults_are_valid_settings() -> None:
    settings = load(Paths.of_user().config / "nowhere.toml", overrides=parse_flags([]).settings)

    assert (settings.server.port, settings.llama_cpp.slots) == (8080, 4)
    assert settings.chat.system_prompt == ""
