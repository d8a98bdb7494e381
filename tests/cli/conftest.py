from tests.daemon.conftest import home, launched

__all__ = ["home", "launched"]
