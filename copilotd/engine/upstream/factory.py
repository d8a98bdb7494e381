"""Builds the upstream engine that the settings ask for."""

from pathlib import Path

from copilotd.config import UpstreamSection
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import UpstreamApi
from copilotd.engine.upstream.llama_server import LlamaServerApi, Props
from copilotd.engine.upstream.monitor import CHECK_EVERY_S
from copilotd.engine.upstream.openai import OpenAIApi
from copilotd.errors import ConfigError
from copilotd.models.catalogue import Catalogue


def check_settings(settings: UpstreamSection, catalogue: Catalogue) -> None:
    """Refuse settings that name no usable server.

    Raises:
        ConfigError: the URL is empty, the key file cannot be read, or the family is unknown.
    """
    if not settings.url:
        raise ConfigError(
            'engine.kind is "upstream", and upstream.url is empty',
            "copilotd config set upstream.url http://HOST:PORT",
        )
    families = [family.name for family in catalogue.families]
    if settings.family and settings.family not in families:
        raise ConfigError(
            f"upstream.family: unknown family {settings.family}",
            f"Known families: {', '.join(families)}.",
        )
    _read_key(settings)


def build_upstream(
    settings: UpstreamSection, catalogue: Catalogue, check_every_s: float = CHECK_EVERY_S
) -> UpstreamEngine:
    """The engine; it contacts the server only when it is needed. Raises: as `check_settings`."""
    check_settings(settings, catalogue)
    http = HttpClient(settings, _read_key(settings))

    async def probe() -> UpstreamApi:
        # Only a llama-server has /props.
        props = await http.get("/props", Props)
        if props is None:
            return await OpenAIApi.probe(http, catalogue, settings.model, settings.family)
        return await LlamaServerApi.probe(http, props, catalogue, settings.model, settings.family)

    return UpstreamEngine(http, probe, check_every_s)


def _read_key(settings: UpstreamSection) -> str:
    key = settings.key or _read_key_file(settings.key_file)
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            "upstream.key, or the file that holds it, has characters that no key can have",
            "Copy it again, as one line.",
        )
    return key


def _read_key_file(file: str) -> str:
    try:
        return Path(file).expanduser().read_text("utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"upstream.key_file: {error}", "Correct the path, or unset it.") from None
