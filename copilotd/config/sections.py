"""Every setting with its default, bounds and meaning.

The docstrings of settings are the comments of the sample file (copilotd config sample).
"""

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from copilotd.config.section import Section
from copilotd.config.tools import ToolsSection

Auto = Literal["auto"]


class ModelSection(Section):
    """Which model is served, and how it is loaded."""

    name: str = "auto"
    """A name from `copilotd models list`, a source such as hf:owner/repo/file.gguf, or a path to a
    GGUF file. "auto" means the model set by `copilotd models default`, or else the best model for
    this machine's memory and cores."""
    alias: str = ""
    """The id of the model for HTTP clients; empty means its own name."""
    n_ctx: int = Field(default=8192, ge=256)
    """Context in tokens, shared by all requests; the KV cache grows with it."""
    n_threads: int = Field(default=0, ge=0)
    """Threads; 0 means the measured best number, and one per physical core until it is measured.
    Ghost text then uses fewer threads if more bring little."""
    n_gpu_layers: int = Field(default=-1, ge=-1)
    """Number of layers on the GPU, if llama.cpp was built with GPU support; -1 means all."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """llama.cpp's flash attention; "auto" means what was measured as faster (copilotd tune)."""
    kv_type: Literal["f16", "q8_0"] = "f16"
    """Precision of the KV cache; q8_0 takes half the memory and needs flash attention."""
    speculate: bool = False
    """Whether to guess the next tokens from repeated text and check several at a time (speculative
    decoding), if that is measured to be faster. A close choice is evaluated again, so it rarely
    helps."""
    draft: str = ""
    """A draft model: a small model of the same family that guesses the next tokens, as a path or a
    source like model.name. It guesses only text without randomness: ghost text, and answers at
    temperature 0. It needs memory of its own, and can help if the main model is ten times as large;
    it pauses if it is measured to be slower. Empty means none."""
    parked_mb: int = Field(default=256, ge=0)
    """Memory in MB for the KV cache of documents and conversations that are not in use, so that
    returning to one is fast."""
    parked_disk_mb: int = Field(default=1024, ge=0)
    """Disk space in MB for the same across restarts; 0 saves nothing. The files contain text of
    your documents, as tokens."""
    auto_download: bool = True
    """Whether a missing model is downloaded when the daemon starts."""
    auto_tune: bool = True
    """Whether the daemon measures the speed of a model on this machine, once and in idle time."""

    @property
    def draft_model(self) -> "ModelSection | None":
        """The settings of the draft model; None if no draft model is named."""
        return self.model_copy(update={"name": self.draft, "draft": ""}) if self.draft else None


class ServerSection(Section):
    """The HTTP server."""

    host: str = "127.0.0.1"
    """Address to listen on. With an address other than loopback, every program on your network can
    reach it and must send the token."""
    port: int = Field(default=8000, ge=0, le=65535)
    """TCP port; 0 means any free port (see `copilotd status`)."""
    unix_socket: str = ""
    """Path of a unix socket that also serves HTTP; empty means none."""
    allowed_hosts: list[str] = []
    """More accepted values of the Host header; loopback names are always accepted."""
    allowed_origins: list[str] = []
    """Origins of web pages that may call the API; none by default."""
    require_token: Literal["auto", "on", "off", "off-everywhere"] = "auto"
    """Whether clients must send the token that `copilotd token` prints. "auto": only if host is not
    loopback; "on": always; "off": never, and the daemon starts on loopback only; "off-everywhere":
    never, and everybody who can reach host may use it."""
    max_requests: int = Field(default=128, ge=1)
    """Maximum number of HTTP requests at the same time, streams included; one more gets 503."""

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine can reach `host`; localhost is the only name that counts."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def needs_token(self) -> bool:
        """Whether HTTP clients must send the token."""
        return self.require_token == "on" or (
            self.require_token == "auto" and not self.is_on_loopback
        )


class EngineSection(Section):
    """What runs the model: a worker process on this machine, or a server elsewhere."""

    kind: Literal["local", "upstream"] = "local"
    """"local" loads the model on this machine. "upstream" sends prompts, which hold code and
    conversations, to the server of [upstream]."""
    idle_minutes: float = Field(default=30.0, ge=0)
    """Unload the model after this many minutes without a request; 0 never unloads it."""
    queue_limit: int = Field(default=64, ge=1)
    """Maximum number of waiting requests; one more is refused as "busy"."""


class UpstreamSection(Section):
    """The server that runs the model if engine.kind is "upstream"."""

    url: str = ""
    """Its address, such as http://127.0.0.1:8080 or https://models.example.org: a llama-server, or
    a server with an OpenAI-compatible API (vLLM, SGLang)."""
    key: str = Field(default="", repr=False)
    """Its API key, never shown or logged; empty sends none."""
    key_file: str = ""
    """A file that contains the key, in place of key."""
    model: str = ""
    """The model to use; empty means the first that the server offers."""
    family: str = ""
    """The model family, which decides the layout of fill-in-the-middle prompts, such as
    qwen2.5-coder (the names are in configs/models.toml); empty means the family that the model's
    name suggests."""
    fallback: bool = True
    """Whether the local model answers while the server does not. It is then loaded, and downloaded
    if it is missing."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Seconds of silence after which a request counts as failed."""

    @field_validator("url")
    @classmethod
    def _check_root_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise PydanticCustomError("url", "must be a URL that begins with http:// or https://")
        if parts.username or parts.password or parts.query:
            raise PydanticCustomError(
                "url", "must not contain a user, password or query; put the key into upstream.key"
            )
        return url


class CompletionSection(Section):
    """Ghost text."""

    enabled: bool = True
    """Whether to show ghost text."""
    disabled_languages: list[str] = []
    """Languages that get no automatic ghost text, under the names of any editor: bash, sh and
    shellscript are the same."""
    target_ms: int = Field(default=300, ge=1)
    """Half of all suggestions should show their first line within this time. A suggestion that is
    not finished by then is shown as far as it is written."""
    limit_ms: int = Field(default=1000, ge=1)
    """Nine of ten suggestions should show their first line within this time; it limits the number
    of generated tokens."""
    debounce_ms: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Milliseconds without a keystroke before the model is asked; "auto" follows the measured speed
    (copilotd tune)."""
    prefix_tokens: Auto | Annotated[int, Field(ge=16)] = "auto"
    """Maximum number of tokens before the cursor that the model sees; "auto" follows the measured
    speed."""
    suffix_tokens: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Maximum number of tokens after the cursor that the model sees; "auto" follows the measured
    speed."""
    max_tokens: Auto | Annotated[int, Field(ge=1)] = "auto"
    """Maximum number of generated tokens for one suggestion; "auto" follows the measured speed and
    limit_ms."""
    max_lines: int = Field(default=8, ge=1)
    """Maximum number of lines of a suggestion."""
    cache_entries: int = Field(default=256, ge=0)
    """Number of cached suggestions. Typing along a cached suggestion does not need the model."""
    anticipate: bool = True
    """Whether the daemon uses pauses to prepare the next suggestion."""


class ChatSection(Section):
    """Chat."""

    model: str = ""
    """A second model, for chat only: a name, a source or a path as in model.name. It is loaded in
    addition to the first for the first chat, if there is memory for both. Empty means that one
    model does both."""
    draft: str = ""
    """A draft model for the chat model, as in model.draft."""
    mmproj: str = ""
    """The projector file (mmproj) that lets the chat model see images, as a path or a source like
    model.name. It must be made for that model. Empty means that images are refused."""
    fetch_images: bool = False
    """Whether to download images that a client names by an http(s) address. Otherwise only images
    in the request itself are accepted."""
    system_prompt: str = (
        "You are copilotd, a careful programming assistant that runs on the user's own machine."
    )
    """The system message of a conversation that has none."""
    max_tokens: int = Field(default=1024, ge=1)
    """Maximum number of generated tokens for one answer, unless the client sets it."""
    temperature: float = Field(default=0.2, ge=0)
    """Randomness of answers, unless the client sets it."""
    call_from: float = Field(default=0.75, ge=0, le=1)
    """Minimum probability, by the model's own estimate, for an answer to be a tool call; below it
    the model answers in words. Small models tend to call a tool even if none fits. 0 turns this
    off: sampling decides."""
    overflow: Literal["error", "shorten"] = "error"
    """What happens to a conversation that is longer than the context. "error": the request fails;
    "shorten": the middle of the conversation is left out."""


class EmbeddingSection(Section):
    """Embeddings: vectors of texts, for programs that search by meaning."""

    model: str = ""
    """A model for embeddings only: a name, a source or a path as in model.name. It is loaded in
    addition to the others for the first request. Empty means the completion model, which was not
    trained for embeddings."""


class LlamaCppSection(Section):
    """Defaults for clients that use the API of llama.cpp's server."""

    n_predict: int = Field(default=-1, ge=-1)
    """Maximum number of generated tokens if a request does not set it; -1 means as many as fit."""
    temperature: float = Field(default=0.8, ge=0)
    """Randomness of /completion."""
    seed: int = Field(default=-1, ge=-1)
    """Random seed; -1 means a new one for each request."""
    slots: int = Field(default=1, ge=1)
    """Number of slots that /slots and /props report. It has no effect: all requests share one
    context."""
    show_slots: bool = True
    """Whether /slots is available."""
    metrics: bool = True
    """Whether /metrics is available."""


class LogSection(Section):
    """The daemon's log file."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much is logged. Code is logged at DEBUG only."""


class Settings(BaseSettings):
    """All settings. Created by `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="COPILOTD_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    model: ModelSection = ModelSection()
    server: ServerSection = ServerSection()
    engine: EngineSection = EngineSection()
    upstream: UpstreamSection = UpstreamSection()
    completion: CompletionSection = CompletionSection()
    chat: ChatSection = ChatSection()
    embedding: EmbeddingSection = EmbeddingSection()
    tools: ToolsSection = ToolsSection()
    llama_cpp: LlamaCppSection = LlamaCppSection()
    log: LogSection = LogSection()

    @property
    def chat_model(self) -> ModelSection | None:
        """The settings of the separate chat model; None if the settings name none."""
        return self._derive_model(self.chat.model, draft=self.chat.draft)

    @property
    def projector(self) -> ModelSection | None:
        """The settings of the projector file for images; None if the settings name none."""
        return self._derive_model(self.chat.mmproj)

    @property
    def embedding_model(self) -> ModelSection | None:
        """The settings of the embedding model; None if the settings name none."""
        # Only generation needs a long context and saved sequences.
        reduced = {"n_ctx": 512, "parked_mb": 0, "parked_disk_mb": 0, "kv_type": "f16"}
        return self._derive_model(self.embedding.model, **reduced)

    def _derive_model(self, name: str, **changes: object) -> ModelSection | None:
        """Return the settings of `model` with another name and `changes`; None without a name."""
        if not name:
            return None
        return self.model.model_copy(update={"name": name, "alias": "", "draft": "", **changes})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use no other source: `load` merges the layers, so an error can name its layer."""
        return (init_settings,)


def list_tables() -> dict[str, type[Section]]:
    """Return the tables of a settings file by name."""
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {n: k for n, k in kinds.items() if isinstance(k, type) and issubclass(k, Section)}


def is_secret(key: str) -> bool:
    """Whether the value of `section.name` must never be shown."""
    section, _, name = key.partition(".")
    kind = list_tables().get(section)
    return kind is not None and name in kind.model_fields and not kind.model_fields[name].repr
