"""``python -m cifar_sk.explore``: look at a data set before training on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cifar_sk.commands.options import DataHome, Dataset, Limit, open_dataset
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cifar_sk.datasets.summary import DatasetDescription

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.explore --dataset digits",
    "python -m cifar_sk.explore --data-home my/data --limit 5000",
    "python -m cifar_sk.explore --dataset my/pets   (a folder of images per class)",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def explore(
    dataset: Dataset = None,
    data_home: DataHome = None,
    limit: Limit = None,
    output: Annotated[
        Path, Option(help="Folder for samples.png, made if it does not exist.")
    ] = Path("results/explore"),
    seed: Annotated[int, Option(min=0, help="Seed of the subset and of the samples.")] = 0,
) -> None:
    """Describe a data set: classes, channels, exact duplicates, and a picture of samples."""
    from cifar_sk.datasets import describe_dataset
    from cifar_sk.displays.dataset_samples import draw_samples

    bunch = open_dataset(dataset, data_home, limit, seed=seed)
    typer.echo(_as_text(describe_dataset(bunch)))
    typer.echo(f"samples      {_save(draw_samples(bunch, random_state=seed), output)}")


def _as_text(found: DatasetDescription) -> str:
    n, height, width, n_channels = found.shape
    classes = found.classes.assign(share=found.classes["share"].map("{:.1%}".format))
    copies = (
        f"{found.n_duplicates:,} exact copies of an earlier image; "
        f"{found.n_conflicts:,} images occur with different labels"
    )
    lines = [
        f"name         {found.name}",
        f"source       {found.source}",
        f"fingerprint  {found.fingerprint}",
        f"images       {n:,} of {height}×{width} pixels, {n_channels} channels, {found.dtype}",
        f"duplicates   {copies}",
        "",
        classes.to_string(index=False),
        "",
        found.channels.to_string(index=False, float_format="{:.4f}".format),
        "(mean and standard deviation of pixels in [0, 1])",
        "",
    ]
    return "\n".join(lines)


def _save(figure: Figure, output: Path) -> Path:
    path = output / "samples.png"
    try:
        output.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        raise InputError(
            f"--output must be a folder that can be written, got '{output}' ({error.strerror})"
        ) from error
    return path


main = partial(run_command, app, "cifar_sk.explore")


if __name__ == "__main__":
    main()
