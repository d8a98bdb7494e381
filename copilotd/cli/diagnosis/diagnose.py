"""Runs all checks in their order, and yields each result at once."""

from collections.abc import Iterator, Sequence

from copilotd import lifecycle
from copilotd.cli.diagnosis.build import check_build
from copilotd.cli.diagnosis.check import Check, Verdict
from copilotd.cli.diagnosis.machine import (
    check_daemon,
    check_editors,
    check_port,
    check_reach,
    check_settings,
)
from copilotd.cli.diagnosis.model import check_file, check_images, check_model
from copilotd.cli.diagnosis.speed import check_speed
from copilotd.cli.diagnosis.subject import open_subject
from copilotd.cli.diagnosis.upstream import check_upstream
from copilotd.cli.options import parse_arguments, to_settings
from copilotd.config import ServerSection, load_leniently
from copilotd.lifecycle import RunningDaemon
from copilotd.paths import Paths
from copilotd.serving.engines import ModelRequest, Role, list_model_requests


def diagnose(paths: Paths) -> Iterator[Check]:
    """Run all checks, without those that an earlier failure makes pointless."""
    settings, problems = load_leniently(paths.user_settings)
    running = lifecycle.find_running(paths)
    models = list_model_requests(paths, settings)
    loadable = True
    for check in check_build():
        loadable = loadable and check.verdict is not Verdict.BROKEN
        yield check
    yield from check_settings(problems, paths)
    yield check_daemon(running)
    yield check_port(settings.server, running)
    yield check_reach(_server(paths, running))
    yield check_editors()
    is_local = settings.engine.kind == "local"
    if not is_local:
        for check in check_upstream(settings.upstream):
            loadable = loadable and check.verdict is not Verdict.BROKEN
            yield check
    yield from check_images(settings.chat)
    if running is None and is_local:
        for check in _files(models):
            loadable = loadable and check.verdict is not Verdict.BROKEN
            yield check
    if loadable:
        with open_subject(running, settings, models) as under_test:
            yield from check_model(under_test)
        if running is not None or is_local:
            yield check_speed(running, settings, models[0])


def _files(models: Sequence[ModelRequest]) -> Iterator[Check]:
    for model in models:
        yield check_file(model.provisioner, _TITLES[model.role])
        if model.projector:
            yield check_file(model.projector, "projector")
        if model.draft_model:
            yield check_file(model.draft_model, _DRAFTS[model.role])


_TITLES = {
    Role.COMPLETION: "model",
    Role.CHAT: "chat model",
    Role.EMBEDDING: "embedding model",
}
_DRAFTS = {Role.COMPLETION: "draft model", Role.CHAT: "chat draft model"}


def _server(paths: Paths, running: RunningDaemon | None) -> ServerSection:
    """The settings with the options of the running daemon."""
    given = to_settings(parse_arguments(running.arguments)) if running else None
    return load_leniently(paths.user_settings, overrides=given)[0].server
