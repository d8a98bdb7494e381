"""Is this machine fast enough for this model, as far as that was measured?"""

from copilotd.cli.diagnosis.check import Check, broken, note, ok
from copilotd.cli.measure_model import measured_model
from copilotd.cli.views.speed import SMALLER_MODEL, in_words, is_slow
from copilotd.config import Settings
from copilotd.errors import CopilotdError
from copilotd.lifecycle import RunningDaemon
from copilotd.serving.engines import ModelRequest


def check_speed(running: RunningDaemon | None, settings: Settings, model: ModelRequest) -> Check:
    """What was measured, and what suggestions are like because of it."""
    try:
        with measured_model(running, settings, model) as measured:
            tuning = measured.known()
            if tuning is None:
                detail = "not measured yet; the daemon does it in idle time"
                return note("speed", detail, "copilotd tune")
            speed = tuning.calibration.speed
            words = in_words(speed, measured.budget(speed))
    except CopilotdError as error:
        return broken("speed", error.message, error.hint or "copilotd logs")
    if is_slow(speed):
        return note("speed", f"slow on {tuning.machine}: {words}", SMALLER_MODEL)
    return ok("speed", words)
