"""Checks whether the machine is fast enough for the model, if that was measured."""

from copilotd.cli.diagnosis.check import Check, failure, note, ok
from copilotd.cli.measure_model import open_model
from copilotd.cli.views.speed import SMALLER_MODEL, describe_speed, is_slow
from copilotd.config import Settings
from copilotd.errors import CopilotdError
from copilotd.lifecycle import RunningDaemon
from copilotd.serving.engines import ModelRequest


def check_speed(running: RunningDaemon | None, settings: Settings, model: ModelRequest) -> Check:
    """Report the measured speed, and what it means for completions."""
    try:
        with open_model(running, settings, model) as measured:
            tuning = measured.last_calibration()
            if tuning is None:
                detail = "not measured yet; the daemon does it in idle time"
                return note("speed", detail, "copilotd tune")
            speed = tuning.calibration.speed
            words = describe_speed(speed, measured.budget(speed))
    except CopilotdError as error:
        return failure("speed", error.message, error.hint or "copilotd logs")
    if is_slow(speed):
        return note("speed", f"slow on {tuning.machine}: {words}", SMALLER_MODEL)
    return ok("speed", words)
