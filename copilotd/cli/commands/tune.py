"""`copilotd tune`."""

from pathlib import Path
from typing import Annotated

import typer

from copilotd.cli.help_examples import examples

Run = Annotated[bool, typer.Option("--run", help="Measure again.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: all figures as JSON.")]


@examples("copilotd tune", "copilotd tune --run", "copilotd tune --json | jq .budget")
def tune(run: Run = False, as_json: AsJson = False) -> None:
    """Show how fast the model runs on this machine, and what that means for completions.

    Measures it if that was not done yet, which takes about half a minute on a small machine. The
    daemon answers requests meanwhile. It also measures by itself in idle time.
    """
    import msgspec

    from copilotd import lifecycle
    from copilotd.cli.measure_model import open_model
    from copilotd.cli.views.tuning import MeasuringView, show_tuning
    from copilotd.config import find_project_file, load
    from copilotd.paths import Paths
    from copilotd.serving.engines import list_model_requests

    paths = Paths.of_user()
    settings = load(paths.user_settings, find_project_file(Path.cwd()))
    with open_model(
        lifecycle.find_running(paths), settings, list_model_requests(paths, settings)[0]
    ) as model:
        tuning = model.last_calibration()
        if run or tuning is None:
            with MeasuringView() as view:
                tuning = model.measure(view.show)
        budget = model.budget(tuning.calibration.speed)
    if as_json:
        report = {"tuning": tuning, "budget": budget}
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        show_tuning(tuning, budget)
