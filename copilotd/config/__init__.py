"""The settings: every default, unit and meaning in one place.

Order of precedence: command line > environment (`COPILOTD_SERVER__PORT=8010`) > project file
(`.copilotd.toml` in the workspace) > user file > the defaults in `sections`. The sample in
`configs/copilotd.toml` is generated from these models.
"""

from copilotd.config.changes import describe_changes
from copilotd.config.error_text import describe_allowed_values
from copilotd.config.section import Section
from copilotd.config.sections import (
    ChatSection,
    CompletionSection,
    EmbeddingSection,
    EngineSection,
    LlamaCppSection,
    LogSection,
    ModelSection,
    ServerSection,
    Settings,
    UpstreamSection,
    is_secret,
    list_tables,
)
from copilotd.config.sources import (
    COMMAND_LINE,
    DEFAULT,
    ENVIRONMENT,
    LOADS_A_MODEL,
    PROJECT_FILE,
    PROJECT_TABLES,
    RELOADABLE,
    Layer,
    find_origin,
    find_project_file,
    load,
    load_leniently,
    read_file,
    read_layers,
)
from copilotd.config.tools import CommandTool, McpServer, Permission, ToolsSection

__all__ = [
    "COMMAND_LINE",
    "DEFAULT",
    "ENVIRONMENT",
    "LOADS_A_MODEL",
    "PROJECT_FILE",
    "PROJECT_TABLES",
    "RELOADABLE",
    "ChatSection",
    "CommandTool",
    "CompletionSection",
    "EmbeddingSection",
    "EngineSection",
    "Layer",
    "LlamaCppSection",
    "LogSection",
    "McpServer",
    "ModelSection",
    "Permission",
    "Section",
    "ServerSection",
    "Settings",
    "ToolsSection",
    "UpstreamSection",
    "describe_allowed_values",
    "describe_changes",
    "find_origin",
    "find_project_file",
    "is_secret",
    "list_tables",
    "load",
    "load_leniently",
    "read_file",
    "read_layers",
]
