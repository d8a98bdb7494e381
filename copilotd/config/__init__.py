"""The settings: every default, its unit and its meaning, in one place.

Order of precedence: command line > environment (`COPILOTD_SERVER__PORT=8010`) > project file
(`.copilotd.toml` in the workspace) > user file > the defaults in `sections`. The sample in
`configs/copilotd.toml` is generated from these models.
"""

from copilotd.config.changes import changes
from copilotd.config.sections import (
    ChatSection,
    CompletionSection,
    EngineSection,
    LogSection,
    ModelSection,
    Section,
    ServerSection,
    Settings,
    tables,
)
from copilotd.config.sources import (
    COMMAND_LINE,
    DEFAULT,
    ENVIRONMENT,
    LOADING,
    PROJECT_FILE,
    PROJECT_TABLES,
    RELOADABLE,
    Layer,
    find_project_file,
    load,
    load_leniently,
    origin,
    read_file,
    read_layers,
)
from copilotd.config.words import allowed_values

__all__ = [
    "COMMAND_LINE",
    "DEFAULT",
    "ENVIRONMENT",
    "LOADING",
    "PROJECT_FILE",
    "PROJECT_TABLES",
    "RELOADABLE",
    "ChatSection",
    "CompletionSection",
    "EngineSection",
    "Layer",
    "LogSection",
    "ModelSection",
    "Section",
    "ServerSection",
    "Settings",
    "allowed_values",
    "changes",
    "find_project_file",
    "load",
    "load_leniently",
    "origin",
    "read_file",
    "read_layers",
    "tables",
]
