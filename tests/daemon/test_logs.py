import subprocess
import sys
from pathlib import Path

WRITER = """
import logging, os, sys
from pathlib import Path
from copilotd import logs
file = Path(sys.argv[1])
logs.MAX_BYTES = 2000
logs.configure(file, sys.argv[2])
log = logging.getLogger("copilotd.part")
log.debug("def secret(): ...")
for number in range(int(sys.argv[3])):
    log.info("line %04d", number)
logging.getLogger("pygls.protocol").info("a whole message")
os.write(2, b"a library writes\\n")
"""


def log_in_process(file: Path, level: str, lines: int, stderr: Path) -> str:
    """Log in a process whose stderr is the file `stderr`; return the text of that file."""
    with stderr.open("ab") as stream:
        command = [sys.executable, "-c", WRITER, str(file), level, str(lines)]
        subprocess.run(command, stderr=stream, check=True, timeout=60)
    return stderr.read_text("utf-8")


def extract_messages(text: str) -> list[str]:
    return [line.rpartition("copilotd.part: ")[2] for line in text.splitlines()]


def test_the_log_has_messages_of_copilotd_and_none_of_its_libraries(tmp_path: Path) -> None:
    file = tmp_path / "copilotd.log"

    log_in_process(file, "INFO", 2, tmp_path / "stderr")

    assert extract_messages(file.read_text("utf-8")) == ["line 0000", "line 0001"]


def test_code_is_logged_at_debug_only(tmp_path: Path) -> None:
    file = tmp_path / "copilotd.log"

    log_in_process(file, "DEBUG", 1, tmp_path / "stderr")

    assert extract_messages(file.read_text("utf-8")) == ["def secret(): ...", "line 0000"]


def test_stderr_has_the_log_messages_too(tmp_path: Path) -> None:
    stderr = log_in_process(tmp_path / "copilotd.log", "INFO", 1, tmp_path / "stderr")

    assert extract_messages(stderr) == ["line 0000", "a library writes"]


def test_a_daemon_without_a_terminal_logs_each_line_once(tmp_path: Path) -> None:
    file = tmp_path / "copilotd.log"

    stderr = log_in_process(file, "INFO", 2, stderr=file)

    assert extract_messages(stderr) == ["line 0000", "line 0001", "a library writes"]


def test_a_full_log_is_rotated_and_stderr_goes_to_the_new_file(tmp_path: Path) -> None:
    file = tmp_path / "copilotd.log"

    newest = log_in_process(file, "INFO", 100, stderr=file)

    older = [(tmp_path / f"copilotd.log.{number}").read_text("utf-8") for number in (2, 1)]
    kept = extract_messages("".join([*older, newest]))
    assert kept[-2:] == ["line 0099", "a library writes"]
    assert kept == [f"line {number:04d}" for number in range(101 - len(kept), 100)] + kept[-1:]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "copilotd.log",
        "copilotd.log.1",
        "copilotd.log.2",
    ]
