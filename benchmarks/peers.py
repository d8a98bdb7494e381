"""The other servers: llama-server and `llama_cpp.server`, on the kernels that the daemon runs.

    python -m benchmarks.peers

The benchmark builds llama-server from the llama.cpp inside the source distribution of the installed
version of llama-cpp-python. So all servers run the same kernels, and a difference in speed has
another cause. The binary stays in the user's cache folder.
"""

import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx2
from platformdirs import user_cache_path

from benchmarks.progress import show_progress

START_S = 120.0
# Standard input is a pipe from the benchmark; the system closes it even if the benchmark is killed.
GUARD = """
import sys, psutil
server = psutil.Process(int(sys.argv[1]))
sys.stdin.read()
server.kill()
"""
PACKAGE = "llama-cpp-python"
# Like the wheel: Release, tuned for this CPU. The other flags save build time.
CMAKE = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_NATIVE": "ON",
    "LLAMA_CURL": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
}


@dataclass(frozen=True)
class Peer:
    """A running server."""

    url: str
    pid: int


def main() -> None:
    """Build llama-server if it is missing, and print its path."""
    print(build_llama_server())


@contextmanager
def run_llama_server(
    model: Path,
    n_threads: int,
    flash_attention: str,
    n_ctx: int,
    parallel: int = 1,
    port: int = 0,
) -> Iterator[Peer]:
    """Run llama-server with the flags of llama.vim's presets; `flash_attention` is "on" or "off".

    It answers `parallel` requests at a time, which share the context of `n_ctx` tokens. `port` 0
    takes any free port.
    """
    port = port or find_free_port()
    options = {
        "--model": model,
        "--port": port,
        "--threads": n_threads,
        "--flash-attn": flash_attention,
        "--ctx-size": n_ctx,
        "--parallel": parallel,
        "--batch-size": 1024,
        "--ubatch-size": 1024,
        "--cache-reuse": 256,
    }
    command = [str(build_llama_server()), "--metrics", *_flatten(options)]
    with _run_server(command, port, "/health") as peer:
        yield peer


@contextmanager
def run_llama_cpp_server(model: Path, n_threads: int, n_ctx: int, **more: object) -> Iterator[Peer]:
    """Run `python -m llama_cpp.server` with `more` of its flags. It needs the extra `[server]`."""
    port = find_free_port()
    options = {
        "--model": model,
        "--port": port,
        "--n_threads": n_threads,
        "--n_threads_batch": n_threads,
        "--n_ctx": n_ctx,
        **{f"--{name}": value for name, value in more.items()},
    }
    command = [sys.executable, "-m", "llama_cpp.server", *_flatten(options)]
    with _run_server(command, port, "/v1/models") as peer:
        yield peer


def build_llama_server() -> Path:
    """The path of llama-server. The first call builds it, which takes minutes."""
    binary = find_llama_server_path()
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
            compiled = _compile(_fetch_source(Path(folder)), Path(folder, "build"))
            shutil.move(compiled, binary)
    return binary


def find_llama_server_path() -> Path:
    """The path of llama-server, whether it is built or not."""
    binary = user_cache_path("copilotd-benchmarks") / f"llama-server-{version(PACKAGE)}"
    return binary.with_name(f"{binary.name}.exe") if sys.platform == "win32" else binary


def _fetch_source(folder: Path) -> Path:
    """Download and unpack the source distribution in `folder`. Return the llama.cpp folder."""
    requirement = f"{PACKAGE}=={version(PACKAGE)}"
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", PACKAGE]
    _run_visibly([*pip, "--dest", str(folder), requirement])
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("*/vendor/llama.cpp"))


def _compile(source: Path, folder: Path) -> Path:
    """Compile in `folder`, and return the binary."""
    cmake = shutil.which("cmake")
    if cmake is None:
        raise SystemExit("cmake is missing. Install it, for example with `pip install cmake ninja`")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    flags = [f"-D{key}={value}" for key, value in CMAKE.items()]
    _run_visibly([cmake, "-S", str(source), "-B", str(folder), *generator, *flags])
    jobs = ["--config", "Release", "--target", "llama-server", "-j2"]
    _run_visibly([cmake, "--build", str(folder), *jobs])
    return next(path for path in folder.rglob("llama-server*") if _is_program(path))


def _is_program(path: Path) -> bool:
    return path.parent.name in ("bin", "Release") and path.suffix in ("", ".exe")


def _run_visibly(command: list[str]) -> None:
    """Run a long command and show its newest line. End the program if the command fails."""
    lines: list[str] = []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    with process:
        for line in process.stdout or ():
            lines.append(line)
            show_progress(line.strip()[:100])
    show_progress("")
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{''.join(lines[-40:])}")


@contextmanager
def _run_server(command: list[str], port: int, ready: str) -> Iterator[Peer]:
    """Run the server of `command` from the time `ready` returns 200 to the end of the block."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        guard = subprocess.Popen(
            [sys.executable, "-c", GUARD, str(process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            if not _wait_until_ready(process, url + ready):
                output.seek(0)
                raise SystemExit(f"{' '.join(command)} does not start:\n{output.read()[-4000:]}")
            yield Peer(url, process.pid)
        finally:
            _stop(process)
            with guard:
                guard.kill()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        # A server in the middle of a generation does not react to SIGTERM.
        process.kill()
        process.wait(timeout=10)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> bool:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            if httpx2.get(url).status_code == 200:
                return True
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    return False


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _flatten(options: dict[str, object]) -> list[str]:
    return [str(word) for option in options.items() for word in option]


if __name__ == "__main__":
    main()
