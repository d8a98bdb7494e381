"""Makes the handle that the settings ask for."""

from pathlib import Path

from copilotd.config import UpstreamSection
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import UpstreamApi
from copilotd.engine.upstream.llama_server import LlamaServer, Props
from copilotd.engine.upstream.openai import OpenAI
from copilotd.errors import ConfigError
from copilotd.models.catalogue import Catalogue


def check_settings(settings: UpstreamSection, catalogue: Catalogue) -> None:
    """Refuse settings by which no server could be asked.

    Raises:
        ConfigError: no URL, a key file that cannot be read, a family that is not known.
    """
    if not settings.url:
        raise ConfigError(
            'engine.kind is "upstream", and upstream.url is empty',
            "copilotd config set upstream.url http://HOST:PORT",
        )
    families = [family.name for family in catalogue.families]
    if settings.family and settings.family not in families:
        raise ConfigError(
            f"upstream.family: no family is called {settings.family}",
            f"Known are {', '.join(families)}.",
        )
    _key(settings)


def build_upstream(settings: UpstreamSection, catalogue: Catalogue) -> UpstreamEngine:
    """It is not asked for anything before somebody needs it. Raises: ConfigError as `check`."""
    check_settings(settings, catalogue)
    server = HttpClient(settings, _key(settings))

    async def look() -> UpstreamApi:
        props = await server.get("/props", Props)
        if props is None:
            return await OpenAI.look(server, catalogue, settings.model, settings.family)
        return await LlamaServer.look(server, props, catalogue, settings.model, settings.family)

    return UpstreamEngine(server, look)


def _key(settings: UpstreamSection) -> str:
    key = settings.key or _read(settings.key_file)
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            "upstream.key, or the file that holds it, has characters that no key can have",
            "Copy it again, as one line.",
        )
    return key


def _read(file: str) -> str:
    try:
        return Path(file).expanduser().read_text("utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"upstream.key_file: {error}", "Correct the path, or unset it.") from None
