"""All looks in their order, each as soon as it is taken."""

from collections.abc import Iterator

from copilotd import lifecycle
from copilotd.cli.diagnosis.build import check_build
from copilotd.cli.diagnosis.check import Check, Verdict
from copilotd.cli.diagnosis.machine import check_daemon, check_editors, check_port, check_settings
from copilotd.cli.diagnosis.model import check_file, check_model
from copilotd.cli.diagnosis.speed import check_speed
from copilotd.cli.diagnosis.subject import subject
from copilotd.config import load_leniently
from copilotd.paths import Paths
from copilotd.pool import wanted


def diagnose(paths: Paths) -> Iterator[Check]:
    """Look at everything; what cannot work because of an earlier failure is left out."""
    settings, problems = load_leniently(paths.user_settings)
    running = lifecycle.find(paths)
    models = wanted(paths, settings)
    loadable = True
    for check in check_build():
        loadable = loadable and check.verdict is not Verdict.BROKEN
        yield check
    yield from check_settings(problems, paths)
    yield check_daemon(running)
    yield check_port(settings.server, running)
    yield check_editors()
    if running is None:
        for name, model in zip(("model", "chat model"), models, strict=False):
            file = check_file(model.provision, name)
            loadable = loadable and file.verdict is not Verdict.BROKEN
            yield file
    if loadable:
        with subject(running, settings, models) as under_test:
            yield from check_model(under_test)
        yield check_speed(running, settings, models[0])
