"""Which model suits a machine, judged by its memory and cores.

Whether llama.cpp can use a GPU is not known here, so the choice is one that completes quickly
without: a completion that takes seconds is not looked at.
"""

from dataclasses import dataclass

from copilotd.models.catalogue import Catalogue, CatalogueEntry, MinimumHardware
from copilotd.models.hardware import GIB, Hardware

USABLE = 0.9
"""Machines sold with 16 GiB show some tenths less: firmware and graphics keep a part."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A model and why it was chosen, in words."""

    entry: CatalogueEntry
    reason: str


def recommend(catalogue: Catalogue, machine: Hardware) -> Recommendation:
    """The most demanding candidate that the machine is up to, or else the least demanding."""
    candidates = [(entry.default_from, entry) for entry in catalogue.models]
    ladder = sorted(
        ((floor, entry) for floor, entry in candidates if floor is not None),
        key=lambda step: (step[0].cores, step[0].memory_gib),
    )
    fitting = [step for step in ladder if _fits(step[0], machine)] or ladder[:1]
    entry = fitting[-1][1]
    above = ladder[ladder.index(fitting[-1]) + 1 :]
    return Recommendation(entry, _reason(entry, machine, above[0] if above else None))


def _fits(floor: MinimumHardware, machine: Hardware) -> bool:
    return machine.cores >= floor.cores and machine.memory >= USABLE * floor.memory_gib * GIB


def _reason(
    entry: CatalogueEntry, machine: Hardware, above: tuple[MinimumHardware, CatalogueEntry] | None
) -> str:
    reason = f"With {machine}, {entry.name} completes quickly without a GPU"
    if above is None:
        return reason + "."
    floor, larger = above
    return (
        f"{reason}; {larger.name}, the next larger, wants "
        f"{floor.cores} cores and {floor.memory_gib:.0f} GiB."
    )
