"""Disk tiers for tests."""

from pathlib import Path

from copilotd.engine.worker.kv.disk_tier import DiskTier

KEY = b"k" * 32


def disk_tier_in(folder: Path, budget: int = 10**6, key: bytes = KEY) -> DiskTier:
    """Make a disk tier that fails the test if it warns."""
    return DiskTier(folder, budget, key, _fail_on_warning)


def _fail_on_warning(message: str) -> None:
    raise AssertionError(message)


NO_DISK = disk_tier_in(Path("nowhere"), budget=0)
