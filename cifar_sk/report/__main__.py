"""Write a finished run's page again: ``python -m cifar_sk.report RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_sk.console import DataHome, run_command
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from cifar_sk.finished_runs import FinishedRun

__all__ = ["app", "main", "run_images"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Where the run's images are: a name or a path. Unset: as the run calls them.",
            show_default=False,
        ),
    ] = None,
    data_home: DataHome = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Whether the page holds pictures.")
    ] = True,
) -> None:
    """Write the page, the figures and the tables of mistakes of a finished run again.

    The tables of scores and of predictions stay as they are.
    """
    from cifar_sk.finished_runs import read_run
    from cifar_sk.report.files import rewrite_page
    from cifar_sk.report.run_info import run_info

    finished = read_run(run)
    pictures = run_images(finished, dataset, data_home) if images else None
    info = run_info(finished.manifest, finished.result)
    rewrite_page(finished.result, run, images=pictures, info=info)
    typer.echo(f"report.html, figures and tables of mistakes are in {run}")


def run_images(run: FinishedRun, dataset: str | None, data_home: Path | None) -> np.ndarray:
    """Load the images of a run, and no others.

    Parameters
    ----------
    run : FinishedRun
        As `cifar_sk.finished_runs.read_run` reads it.
    dataset : str or None
        A name or a path; None takes the name of the run's data set.
    data_home : Path or None
        As for `cifar_sk.datasets.load_dataset`.

    Returns
    -------
    ndarray of uint8, shape (n_samples, h, w, c)

    Raises
    ------
    InputError
        If the run does not say what its data are, they cannot be had, or are others.
    """
    from cifar_sk.datasets import load_dataset

    data = run.identity.get("data")
    if not data:
        raise InputError(f"{run.path} does not say what its images are; give --no-images.")
    name = dataset or data["name"].removesuffix("-subset")
    n_samples, seed = data["n_samples"], run.identity.get("seed", 0)
    bunch = load_dataset(name, data_home=data_home, limit=n_samples, random_state=seed)
    if bunch.fingerprint != data["fingerprint"]:
        raise InputError(
            f"{name!r} holds other images than the run in {run.path}, whose data have the "
            f"fingerprint {data['fingerprint'][:12]}…; name its data set by --dataset and "
            "--data-home, or give --no-images."
        )
    return bunch.images


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; those of the process by default.
    """
    run_command(app, "cifar_sk.report", argv)


if __name__ == "__main__":
    main()
