"""Every setting, with its default, its bounds and its meaning."""

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
    """A name from `copilotd models list`, a source such as hf:owner/repo/file.gguf, or a path to
    a GGUF file. "auto" takes the default set by `copilotd models default`, or else the best
    model for this machine's memory and cores."""
    alias: str = ""
    """The id under which HTTP clients see the model; empty means its own name."""
    n_ctx: int = Field(default=8192, ge=256)
    """Context in tokens, shared by all requests; the KV cache grows with it."""
    n_threads: int = Field(default=0, ge=0)
    """Threads; 0 goes by what was measured, and means one per physical core until then. Ghost text
    then takes fewer where more bring little."""
    n_gpu_layers: int = Field(default=-1, ge=-1)
    """Layers kept on the GPU, where llama.cpp was built with one; -1 means all of them."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """llama.cpp's flash attention; "auto" goes by what was measured (copilotd tune)."""
    kv_type: Literal["f16", "q8_0"] = "f16"
    """Precision of the KV cache; q8_0 takes half the memory, and flash attention with it."""
    speculate: bool = False
    """Whether tokens that followed the same ones before are tried several at a time, where that is
    seen to be quicker. Where a choice is close they are evaluated again, so it rarely pays."""
    draft: str = ""
    """A small model of the same family whose guesses are tried in the same way, as a path or a
    source like name. It guesses what is written without randomness: ghost text, and answers at
    temperature 0. It takes memory of its own, and can pay beside a model that is ten times as
    large; where it is seen not to, it rests. Empty means none."""
    parked_mb: int = Field(default=256, ge=0)
    """Memory in MB that keeps what was read of documents and conversations that nobody works on
    now, so that going back to one is quick."""
    parked_disk_mb: int = Field(default=1024, ge=0)
    """Disk space in MB that keeps the same across restarts; 0 keeps nothing. The folder holds what
    the model has read of your files."""
    auto_download: bool = True
    """Whether a missing model is downloaded when the daemon starts."""
    auto_tune: bool = True
    """Whether the daemon measures by itself, once and in idle time, what a model costs here."""

    @property
    def draft_model(self) -> "ModelSection | None":
        """The small model, fetched as this one is; None if none is named."""
        return self.model_copy(update={"name": self.draft, "draft": ""}) if self.draft else None


class ServerSection(Section):
    """The HTTP side."""

    host: str = "127.0.0.1"
    """Address to listen on. Beyond loopback, every program on your network can reach it, and has
    to show the token."""
    port: int = Field(default=8000, ge=0, le=65535)
    """TCP port; 0 takes any free one (see `copilotd status`)."""
    unix_socket: str = ""
    """Path of a unix socket on which HTTP is served as well; empty means none."""
    allowed_hosts: list[str] = []
    """Further values of the Host header to accept; loopback names always are."""
    allowed_origins: list[str] = []
    """Origins of web pages that may call the API; none by default."""
    require_token: Literal["auto", "on", "off", "off-everywhere"] = "auto"
    """Whether a client has to show what `copilotd token` prints. "auto": if host is beyond
    loopback; "on": always; "off": no, and the daemon does not start beyond loopback then;
    "off-everywhere": no, and whoever reaches it there may use it."""
    max_requests: int = Field(default=128, ge=1)
    """HTTP requests that may be under way, streams included; a further one gets 503."""

    @property
    def is_on_loopback(self) -> bool:
        """Whether only programs of this machine reach `host`. Of names, only localhost is sure."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def needs_token(self) -> bool:
        """Whether clients have to show the token."""
        return self.require_token == "on" or (
            self.require_token == "auto" and not self.is_on_loopback
        )


class EngineSection(Section):
    """What holds the model: a worker process on this machine, or a server elsewhere."""

    kind: Literal["local", "upstream"] = "local"
    """"local" loads the model on this machine. "upstream" sends prompts, which hold code and
    conversations, to the server of [upstream]."""
    idle_minutes: float = Field(default=30.0, ge=0)
    """Unload the model after this long without a request; 0 keeps it for ever."""
    queue_limit: int = Field(default=64, ge=1)
    """Requests that may wait; a further one is refused with "busy"."""


class UpstreamSection(Section):
    """The server that holds the model where engine.kind is "upstream"."""

    url: str = ""
    """Where it is, such as http://127.0.0.1:8080 or https://models.example.org: a llama-server, or
    a server that speaks OpenAI's dialect (vLLM, SGLang)."""
    key: str = Field(default="", repr=False)
    """Its API key, never shown or logged; empty sends none."""
    key_file: str = ""
    """A file that holds the key instead."""
    model: str = ""
    """The model to ask for; empty means the first that the server offers."""
    family: str = ""
    """How its fill-in-the-middle prompts are written, such as qwen2.5-coder (the names in
    configs/models.toml); empty goes by the name of the model."""
    fallback: bool = True
    """Whether the local model answers while the server does not; it is loaded, and downloaded if
    it is missing, when that is needed."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Seconds of silence after which a request counts as failed."""

    @field_validator("url")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise PydanticCustomError("url", "is no URL that begins with http:// or https://")
        if parts.username or parts.password or parts.query:
            raise PydanticCustomError("url", "holds more than an address; a key is upstream.key")
        return url


class CompletionSection(Section):
    """Ghost text."""

    enabled: bool = True
    """Whether ghost text is offered at all."""
    disabled_languages: list[str] = []
    """Language ids (as the editor names them) without automatic ghost text."""
    target_ms: int = Field(default=300, ge=1)
    """Half of all suggestions shall show their first line within this; at this time what is
    written by then is shown."""
    limit_ms: int = Field(default=1000, ge=1)
    """Nine of ten suggestions shall show their first line within this; the number of tokens that
    are written follows from it."""
    debounce_ms: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Wait this long after a keystroke for the next one before the model is asked; "auto" goes by
    the measured speed (copilotd tune)."""
    prefix_tokens: Auto | Annotated[int, Field(ge=16)] = "auto"
    """Tokens of text before the cursor that the model sees at most; "auto" goes by the measured
    speed."""
    suffix_tokens: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Tokens of text after the cursor that the model sees at most; "auto" goes by the measured
    speed."""
    max_tokens: Auto | Annotated[int, Field(ge=1)] = "auto"
    """Tokens to generate at most for one suggestion; "auto" goes by the measured speed and
    limit_ms."""
    max_lines: int = Field(default=8, ge=1)
    """Lines to suggest at most."""
    cache_entries: int = Field(default=256, ge=0)
    """Suggestions kept, so that text typed along one needs no model."""
    anticipate: bool = True
    """Whether pauses are used to prepare what will probably be asked for next."""


class ChatSection(Section):
    """Chat."""

    model: str = ""
    """A second model, for chat only: a name, a source or a path as in model.name. It is loaded
    beside the first when somebody chats, if the memory is there for both. Empty means that one
    model serves both."""
    draft: str = ""
    """What model.draft is, for the model that is named here."""
    mmproj: str = ""
    """The projector file that lets the chat's model see images, as a path or a source like
    model.name; it has to be the one made for that model. Empty means that images are refused."""
    fetch_images: bool = False
    """Whether images that a client names by an http(s) address are fetched from there; otherwise
    only those that it sends along are looked at."""
    system_prompt: str = (
        "You are copilotd, a careful programming assistant that runs on the user's own machine."
    )
    """Sent before a conversation that has no system message of its own."""
    max_tokens: int = Field(default=1024, ge=1)
    """Tokens to generate at most for one answer, unless the client says otherwise."""
    temperature: float = Field(default=0.2, ge=0)
    """Randomness of answers, unless the client says otherwise."""
    call_from: float = Field(default=0.75, ge=0, le=1)
    """How likely it has to be that an answer is a call of a function, by the model's own estimate,
    for it to be one; otherwise the model answers in words. Small models call something when nothing
    fits. 0 leaves it to chance and temperature."""
    overflow: Literal["error", "shorten"] = "error"
    """What becomes of a conversation that is longer than the context: an error, or an answer that
    knows its beginning and its end and not the middle."""


class EmbeddingSection(Section):
    """Vectors of texts, for programs that search by meaning."""

    model: str = ""
    """A model for embeddings only: a name, a source or a path as in model.name. It is loaded beside
    the others when somebody asks for one. Empty means that the model for completions makes them,
    which was not trained to."""


class LlamaCppSection(Section):
    """What clients of llama.cpp's dialect get who leave it open."""

    n_predict: int = Field(default=-1, ge=-1)
    """Tokens to generate at most for a request that does not say; -1 means as many as fit."""
    temperature: float = Field(default=0.8, ge=0)
    """Randomness of /completion."""
    seed: int = Field(default=-1, ge=-1)
    """Seed of the randomness; -1 takes another one each time."""
    slots: int = Field(default=1, ge=1)
    """How many slots /slots and /props report. There are none here: requests share one context."""
    show_slots: bool = True
    """Whether /slots answers."""
    metrics: bool = True
    """Whether /metrics answers."""


class LogSection(Section):
    """The daemon's log file."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Code text is logged at DEBUG only."""


class Settings(BaseSettings):
    """All settings, resolved. Build it with `load`."""

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
        """The second model, loaded as the first is; None if the settings name none."""
        return self._beside(self.chat.model, draft=self.chat.draft)

    @property
    def projector(self) -> ModelSection | None:
        """The file that lets the chat's model see, fetched as models are; None without one."""
        return self._beside(self.chat.mmproj)

    @property
    def embedding_model(self) -> ModelSection | None:
        """The model for embeddings, without what only writing needs; None if none is named."""
        lean = {"n_ctx": 512, "parked_mb": 0, "parked_disk_mb": 0, "kv_type": "f16"}
        return self._beside(self.embedding.model, **lean)

    def _beside(self, name: str, **more: object) -> ModelSection | None:
        """`model` with another name, and `more` that is different."""
        if not name:
            return None
        return self.model.model_copy(update={"name": name, "alias": "", "draft": "", **more})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load` passes one source per layer itself, so that an error can name its layer."""
        return (init_settings,)


def list_tables() -> dict[str, type[Section]]:
    """The tables of a settings file, by name."""
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {n: k for n, k in kinds.items() if isinstance(k, type) and issubclass(k, Section)}


def is_secret(key: str) -> bool:
    """Whether the value of `section.name` is for nobody's eyes."""
    section, _, name = key.partition(".")
    kind = list_tables().get(section)
    return kind is not None and name in kind.model_fields and not kind.model_fields[name].repr
