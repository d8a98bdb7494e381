"""Recommends a model for a machine by its memory and cores.

It is not known here whether llama.cpp can use a GPU, so the recommended model completes quickly
without one: nobody waits seconds for a completion.
"""

from dataclasses import dataclass

from copilotd.models.catalogue import Catalogue, CatalogueEntry, MinimumHardware
from copilotd.models.hardware import GIB, Hardware

VISIBLE_SHARE = 0.9
"""A machine sold with 16 GiB shows a little less: firmware and graphics reserve a part."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A model, and the reason in one sentence."""

    entry: CatalogueEntry
    reason: str


def recommend(catalogue: Catalogue, machine: Hardware) -> Recommendation:
    """Recommend the largest candidate that runs well on the machine, or else the smallest."""
    candidates = [(entry.default_from, entry) for entry in catalogue.models]
    ladder = sorted(
        ((floor, entry) for floor, entry in candidates if floor is not None),
        key=lambda step: (step[0].cores, step[0].memory_gib),
    )
    fitting = [step for step in ladder if _is_enough_for(step[0], machine)] or ladder[:1]
    entry = fitting[-1][1]
    above = ladder[ladder.index(fitting[-1]) + 1 :]
    return Recommendation(entry, _explain(entry, machine, above[0] if above else None))


def _is_enough_for(floor: MinimumHardware, machine: Hardware) -> bool:
    return machine.cores >= floor.cores and machine.memory >= VISIBLE_SHARE * floor.memory_gib * GIB


def _explain(
    entry: CatalogueEntry, machine: Hardware, above: tuple[MinimumHardware, CatalogueEntry] | None
) -> str:
    reason = f"With {machine}, {entry.name} completes quickly without a GPU"
    if above is None:
        return reason + "."
    floor, larger = above
    return (
        f"{reason}; {larger.name}, the next larger one, needs "
        f"{floor.cores} cores and {floor.memory_gib:.0f} GiB."
    )
