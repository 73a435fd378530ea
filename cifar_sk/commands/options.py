"""The options that several command lines have, and the data set that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from cifar_sk.commands.import_paths import (
    import_dataset,
    import_figures,
    import_metrics,
    import_networks_of,
)
from cifar_sk.datasets.registry import DATASETS, READERS

if TYPE_CHECKING:
    from sklearn.utils import Bunch

__all__ = [
    "Callbacks",
    "DataHome",
    "Dataset",
    "Epochs",
    "Figures",
    "Limit",
    "Metrics",
    "Quiet",
    "Results",
    "RunDataset",
    "open_dataset",
    "set_option",
]

Dataset = Annotated[
    str | None,
    Option(
        help=f"{', '.join(DATASETS)}; a path ({', '.join(READERS)}); or package.module:function. "
        "Unset: CIFAR-10, or the embedded digits if it cannot be had.",
        callback=import_dataset,
        show_default=False,
    ),
]
DataHome = Annotated[
    Path | None, Option(help="Folder that CIFAR is looked for in.", envvar="CIFAR_SK_DATA")
]
RunDataset = Annotated[
    str | None,
    Option(
        "--dataset",
        help="Where the images of a run are: a name, a path or package.module:function. Unset: "
        "as the run calls them.",
        callback=import_dataset,
        show_default=False,
    ),
]
Limit = Annotated[
    int | None, Option(min=1, help="Use a stratified random subset of so many images.")
]
Epochs = Annotated[int | None, Option(help="Epochs at most.")]
Callbacks = Annotated[
    list[str] | None,
    Option("--callback", help="Keras callback, as package.module:Class. Repeatable."),
]
Results = Annotated[Path, Option(help="Folder of the runs.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]
Metrics = Annotated[
    list[str] | None,
    Option(
        "--metric",
        callback=import_metrics,
        help="A score of your own, as package.module:function. Repeatable.",
    ),
]
Figures = Annotated[
    list[str] | None,
    Option(
        "--figure",
        callback=import_figures,
        help="A figure of your own, as package.module:function. Repeatable.",
    ),
]


def set_option(help_text: str) -> Any:
    """Make the option ``--set``, which may name a network of one's own."""
    return Option("--set", help=help_text, callback=import_networks_of)


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
