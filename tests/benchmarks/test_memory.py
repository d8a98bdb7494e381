"""How the benchmarks read Linux's report of a process's memory."""

from benchmarks.memory import Memory, parse_rollup

ROLLUP = """\
55cec2ba7000-7ffc75cb5000 ---p 00000000 00:00 0                          [rollup]
Rss:                1744 kB
Pss:                 266 kB
Pss_Dirty:           112 kB
Pss_Anon:            100 kB
Pss_File:            154 kB
Pss_Shmem:            12 kB
Shared_Clean:       1596 kB
Anonymous:           144 kB
"""


def test_pages_of_files_are_separate_from_all_others() -> None:
    assert parse_rollup(ROLLUP) == Memory(own=112 * 1024, files=1600 * 1024)
