import json
import re

import pytest

from copilotd.cli.views.speed import describe_speed, is_slow
from copilotd.cli.views.tuning import show_tuning
from copilotd.engine.fake import FAKE_CALIBRATION
from copilotd.engine.performance import Calibration, Setup, Speed, Tuning
from copilotd.prompt.budget import Budget
from tests.daemon.temp_user import Home

BUDGET = Budget(768, 128, 36, 24, 300, 96)

SHOWN = """\
fake on a machine
Measured 2 h 00 min ago.

Reading 128, 256 and 512 tokens, and 32 after 1,000 others, in tokens/s;
writing one token after 100 and after 1,000 others, in ms:

way                              128  256  512  32@1k  @100   @1k
flash off, 4 threads, batch 128  200    -    -      -     -  25.0
flash on, 4 threads, batch 128   200    -    -      -     -  50.0

Cost of several tokens at once, in units of one: 2: 1.5, 3: 2.0, 4: 2.4, 6: 3.2, 8: 4.0

loaded with flash off, 4 threads, batch 128: the default, since nothing else was clearly faster
prompt      up to 768 tokens before the cursor and 128 after it: 4.5 s if none is cached, \
at 200 tokens/s
new place   96 tokens of it at first, the rest in idle time
suggestion  up to 36 tokens, at 25 ms each (completion.limit_ms)
asked for   up to 96 tokens, however long they take
shown       from 300 ms on, as far as it is written (completion.target_ms)
debounce    24 ms
"""


def print_tuning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, calibration: Calibration
) -> str:
    """Print a tuning two hours after its calibration; return the output."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("time.time", lambda: 8200.0)
    show_tuning(Tuning("fake", "a machine", 1000.0, calibration), BUDGET)
    return capsys.readouterr().out


def test_the_output_has_the_measurements_and_the_limits_that_follow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert print_tuning(capsys, monkeypatch, FAKE_CALIBRATION) == SHOWN


def test_the_output_for_an_upstream_has_only_the_limits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = Calibration(Setup(), Setup(), FAKE_CALIBRATION.speed, [])

    text = print_tuning(capsys, monkeypatch, calibration)

    assert text == SHOWN[: SHOWN.index("Reading")] + SHOWN[SHOWN.index("prompt ") :]


def test_the_output_for_a_slow_and_busy_machine_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Speed({32: 30.0}, {100: 190.0, 1000: 200.0}, {2: 1.5})
    calibration = Calibration(Setup("off", 1, 1, 128), Setup("off", 1, 1, 128), slow, [], 0.5)

    text = print_tuning(capsys, monkeypatch, calibration)

    assert "flash off, 1 thread, batch 128: the default, not compared with others\n" in text
    assert text.endswith(
        "\nnote: other programs took 50% of the processor meanwhile, so this machine can do more. "
        "When it is quiet: copilotd tune --run\n"
        "\nnote: this machine is slow for this model. A smaller model is faster: copilotd models "
        "list\n"
    )


def test_a_better_setup_is_named_with_when_it_is_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Setup("on", 2, 4, 256, "q8_0")
    calibration = Calibration(Setup("off", 4, 4, 128), chosen, FAKE_CALIBRATION.speed, [])

    assert (
        "loaded with flash on, 2/4 threads, batch 256, KV q8_0: clearly faster than the default, "
        "from the next load on\n"
    ) in print_tuning(capsys, monkeypatch, calibration)


def test_a_speed_is_printed_in_words() -> None:
    speed = FAKE_CALIBRATION.speed

    assert describe_speed(speed, BUDGET) == (
        "prompt 200 tokens/s, answer 40 tokens/s: suggestions of up to 36 tokens"
    )
    assert not is_slow(speed)
    assert is_slow(Speed({32: 200.0}, {1000: 101.0}))
    assert is_slow(Speed({32: 59.0}, {1000: 25.0}))


def test_tune_measures_an_unknown_model_and_stores_the_result(home: Home) -> None:
    home.launch()

    first = home.run("tune")
    again = home.run("tune")
    anew = home.run("tune", "--run", "--json")

    assert (first.returncode, first.stderr) == (0, "measuring speed\n")
    assert first.stdout.startswith("fake on ")
    assert (again.returncode, again.stderr) == (0, "")
    assert remove_age(again.stdout) == remove_age(first.stdout)
    assert anew.stderr == "measuring speed\n"
    report = json.loads(anew.stdout)
    assert report["tuning"]["calibration"]["speed"]["decode"] == {"100": 20.0, "1000": 25.0}
    assert report["budget"]["max_tokens"] == 36


def test_status_and_doctor_print_the_speed_once_it_is_known(home: Home) -> None:
    home.launch()
    unknown = home.run("doctor").stdout
    home.run("tune")

    words = "prompt 200 tokens/s, answer 40 tokens/s: suggestions of up to 36 tokens"
    assert (
        "note    speed             not measured yet; the daemon does it in idle time\n"
        "        next: copilotd tune\n"
    ) in unknown
    assert f"ok      speed             {words}\n" in home.run("doctor").stdout
    assert f"measured    {words}\n" in home.run("status").stdout


def test_tune_without_daemon_or_model_says_how_to_get_one(home: Home) -> None:
    name = "qwen2.5-coder-0.5b-instruct"

    done = home.run("tune", COPILOTD_MODEL__NAME=name)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {name} is not on this machine\n"
        f"next: copilotd start downloads it; so does copilotd models pull {name}\n"
    )


def remove_age(text: str) -> str:
    return re.sub(r"Measured .* ago", "Measured just now", text)
