"""Callbacks of options that import what a user adds of their own code."""
# What is imported is named on the command line; a name that stands in a file never is.

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_sk.errors import InputError
from cifar_sk.registry import is_import_path, load_object

__all__ = [
    "add_callbacks",
    "import_dataset",
    "import_figures",
    "import_metrics",
    "import_network",
    "import_networks_of",
    "import_objectives",
    "import_operations",
]


def import_network(name: str | None) -> str | None:
    """Register the network that ``--model`` names by an import path."""
    if name is not None and is_import_path(name):
        from cifar_sk.networks import NETWORKS

        NETWORKS.import_path(name)
    return name


def import_networks_of(assignments: list[str] | None) -> list[str] | None:
    """Register the networks that ``--set classifier__network=…`` names by import paths."""
    for assignment in assignments or ():
        name, _, value = assignment.partition("=")
        if name.strip().split("__")[-1] == "network":
            import_network(value.strip())
    return assignments


def import_operations(policy: str | None) -> str | None:
    """Register the steps that ``--augment`` names by import paths, perhaps with values behind."""
    for item in (policy or "").split(","):
        path = ":".join(item.strip().split(":")[:2])
        if is_import_path(path):
            from cifar_sk.augmentation.policies import STEPS

            if path.partition(":")[0] not in STEPS:  # "flip:vertical" is no import path
                STEPS.import_path(path)
    return policy


def import_dataset(name: str | None) -> str | None:
    """Register the function that ``--dataset`` names by an import path."""
    if name is not None and is_import_path(name) and not Path(name).exists():
        from cifar_sk.datasets.registry import DATASETS

        DATASETS.import_path(name)
    return name


def import_metrics(paths: list[str] | None) -> list[str]:
    """Register the metrics that ``--metric`` names by import paths."""
    from cifar_sk.metrics import METRICS

    return [METRICS.import_path(path) for path in paths or ()]


def import_figures(paths: list[str] | None) -> list[str]:
    """Register the figures that ``--figure`` names by import paths."""
    from cifar_sk.reports import FIGURES

    return [FIGURES.import_path(path) for path in paths or ()]


def import_objectives(names: list[str] | None) -> list[str] | None:
    """Register the metrics that ``--objective`` names by import paths."""
    import_metrics([name for name in names or () if is_import_path(name)])
    return names


def add_callbacks(pipeline: Any, paths: Sequence[str]) -> None:
    """Append what ``--callback`` names by import paths to the classifier's callbacks."""
    if not paths:
        return
    classifier = pipeline.steps[-1][1]
    if "callbacks" not in classifier.get_params(deep=False):
        raise InputError(
            f"--callback needs a network; {type(classifier).__name__} has no callbacks."
        )
    for path in paths:
        if not is_import_path(path):
            raise InputError(f"--callback must be package.module:Class, got {path!r}.")
    made = [load_object(path, "callback") for path in paths]
    classifier.set_params(callbacks=[*(classifier.callbacks or ()), *made])
