"""The model for a start: which one, why, and its download if it is missing."""

import threading

from copilotd.cli.views.download import PullView
from copilotd.cli.views.terminal import say
from copilotd.config import ModelSection
from copilotd.models.catalogue import Catalogue, load_catalogue
from copilotd.models.hardware import detect_hardware
from copilotd.models.provision import AUTO, Provisioner
from copilotd.models.recommend import recommend
from copilotd.models.store import ModelStore
from copilotd.paths import Paths


def fetch_model(paths: Paths, settings: ModelSection, asked_by: str, role: str = "Model") -> None:
    """Print which model is served and why; download it if it is missing.

    `asked_by` is the source of its name, `role` the word for it in the output.

    Raises: ModelError.
    """
    store, catalogue = ModelStore(paths.models), load_catalogue()
    provision = Provisioner(store, catalogue, settings)
    say(f"{role}: {provision.model_name}\n  {explain_choice(store, catalogue, settings, asked_by)}")
    if provision.find_installed() is not None:
        return
    try:
        with PullView() as view:
            installed = provision.ensure_installed(view.show, threading.Event())
    except KeyboardInterrupt:
        say("Stopped. The next copilotd start continues this download.")
        raise
    say(f"Downloaded to {installed.path}.")


def explain_choice(
    store: ModelStore, catalogue: Catalogue, settings: ModelSection, asked_by: str
) -> str:
    """Why this model is served."""
    if settings.name != AUTO:
        return f"It was chosen by {asked_by}."
    if store.default:
        return "It is the default: copilotd models default shows and changes it."
    return recommend(catalogue, detect_hardware()).reason
