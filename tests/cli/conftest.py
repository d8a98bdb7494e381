from tests.daemon.conftest import home, home_with_daemon

__all__ = ["home", "home_with_daemon"]
