"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    # A job in the background of a shell inherits an ignored SIGINT, and would hand it on to every
    # process that the tests start and end with Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
