"""``python -m cifar_sk.explore``: look at a data set before training on it."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cifar_sk.commands.options import DataHome, Dataset, Limit, Quiet, open_dataset
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from cifar_sk.datasets.summary import DatasetDescription

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.explore --dataset digits",
    "python -m cifar_sk.explore --data-home my/data --limit 5000",
    "python -m cifar_sk.explore --dataset my/pets   (a folder of images per class)",
    "python -m cifar_sk.explore --near-duplicates",
    "python -m cifar_sk.cv --groups results/explore/groups.csv   (keeps copies in one fold)",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def explore(
    dataset: Dataset = None,
    data_home: DataHome = None,
    limit: Limit = None,
    output: Annotated[
        Path, Option(help="Folder for the files, made if it does not exist.")
    ] = Path("results/explore"),
    seed: Annotated[int, Option(min=0, help="Seed of the subset and of the samples.")] = 0,
    near_duplicates: Annotated[
        bool,
        Option(
            "--near-duplicates",
            help="Also find images that show the same picture, in the test split too.",
        ),
    ] = False,
    threshold: Annotated[
        float | None, Option(help="Least similarity of a near-duplicate. Unset: 0.65.")
    ] = None,
    jobs: Annotated[
        int | None, Option(min=1, help="Threads of that search. Unset: one per processor.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Describe a data set: classes, channels, exact duplicates, and a picture of samples.

    With --near-duplicates also near_duplicates.csv, near_duplicates.png and groups.csv, the group
    of every training image, for --groups of cifar_sk.cv.
    """
    from cifar_sk.datasets import describe_dataset
    from cifar_sk.displays.dataset_samples import draw_samples

    if not near_duplicates and (threshold is not None or jobs is not None):
        raise InputError("--threshold and --jobs belong to --near-duplicates; give that as well.")
    bunch = open_dataset(dataset, data_home, limit, seed=seed, test_split=near_duplicates)
    typer.echo(_as_text(describe_dataset(bunch)))
    samples = BytesIO()
    draw_samples(bunch, random_state=seed).savefig(samples, format="png")
    typer.echo(f"samples      {_save({'samples.png': samples.getvalue()}, output)[0]}")
    if near_duplicates:
        from cifar_sk.commands.near_duplicates import (
            duplicate_files,
            duplicates_text,
            search_duplicates,
        )

        found = search_duplicates(bunch, threshold=threshold, jobs=jobs, quiet=quiet)
        typer.echo(duplicates_text(found))
        for path in _save(duplicate_files(found, bunch, seed), output):
            typer.echo(f"written      {path}")


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


def _save(files: dict[str, bytes], output: Path) -> list[Path]:
    from cifar_sk.runs.files import write_files

    try:
        output.mkdir(parents=True, exist_ok=True)
        return write_files(output, files)
    except OSError as error:
        raise InputError(
            f"--output must be a folder that can be written, got '{output}' ({error.strerror})"
        ) from error


main = partial(run_command, app, "cifar_sk.explore")


if __name__ == "__main__":
    main()
