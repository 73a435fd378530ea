"""The options that several command lines have, and the data set that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_sk.registry import is_import_path

if TYPE_CHECKING:
    from sklearn.utils import Bunch

__all__ = [
    "DataHome",
    "Dataset",
    "Figures",
    "Limit",
    "Metrics",
    "RunDataset",
    "import_objectives",
    "open_dataset",
]


def _import_metrics(paths: list[str] | None) -> list[str]:
    from cifar_sk.metrics import METRICS

    return [METRICS.import_path(path) for path in paths or ()]


def _import_figures(paths: list[str] | None) -> list[str]:
    from cifar_sk.reports import FIGURES

    return [FIGURES.import_path(path) for path in paths or ()]


def import_objectives(names: list[str] | None) -> list[str] | None:
    """Register the metrics that ``--objective`` names by import paths."""
    _import_metrics([name for name in names or () if is_import_path(name)])
    return names


Dataset = Annotated[
    str | None,
    typer.Option(
        help="cifar10, cifar10-jpeg, cifar100, digits, or a path (folder of images per class, "
        ".npz, Parquet, CIFAR batches). Unset: CIFAR-10, or the embedded digits if it cannot be "
        "had.",
        show_default=False,
    ),
]
DataHome = Annotated[
    Path | None,
    typer.Option(help="Folder that CIFAR is looked for in.", envvar="CIFAR_SK_DATA"),
]
RunDataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="Where the images of a run are: a name or a path. Unset: as the run calls them.",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Use a stratified random subset of so many images.")
]

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        callback=_import_metrics,
        help="A score of your own, as package.module:function. Repeatable.",
    ),
]
Figures = Annotated[
    list[str] | None,
    typer.Option(
        "--figure",
        callback=_import_figures,
        help="A figure of your own, as package.module:function. Repeatable.",
    ),
]


def open_dataset(
    dataset: str | None,
    data_home: Path | None,
    limit: int | None,
    *,
    seed: int,
    test_split: bool = False,
) -> Bunch:
    """Load the data set that the options name, and say loudly where another stands in for it."""
    from cifar_sk.datasets import load_dataset

    bunch = load_dataset(
        dataset, data_home=data_home, limit=limit, random_state=seed, test_split=test_split
    )
    if bunch.fallback:
        typer.secho(f"warning: {bunch.fallback}", fg=typer.colors.YELLOW, bold=True, err=True)
    return bunch
