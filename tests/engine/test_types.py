from dataclasses import fields

from copilotd.engine.types import EngineStats


def test_the_sum_of_two_statistics_adds_every_count() -> None:
    upstream = EngineStats(1, 2, 3, 4, 5, 6, 7, 8.0, 9.0)
    local = EngineStats(10, 20, 30, 40, 50, 60, 70, 80.0, 90.0, rss=100, pid=7)

    total = upstream + local

    counts = [getattr(total, field.name) for field in fields(total) if field.name != "pid"]
    assert counts == [11, 22, 33, 44, 55, 66, 77, 88.0, 99.0, 100]
    assert total.pid == 7
