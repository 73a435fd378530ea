"""Write a finished run's page again: ``python -m cifar_sk.report RUN``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from cifar_sk.commands.options import DataHome, Figures, Metrics, RunDataset
from cifar_sk.commands.running import run_command

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    run: Annotated[Path, Argument(help="Folder of a finished run.", show_default=False)],
    dataset: RunDataset = None,
    data_home: DataHome = None,
    images: Annotated[
        bool, Option("--images/--no-images", help="Whether the page holds pictures.")
    ] = True,
    metrics: Metrics = None,
    figures: Figures = None,
    checklist: Annotated[
        bool,
        Option(
            "--checklist",
            help="Write checklist.md instead: the reporting list REFORMS, answered as far as the "
            "run can, with questions to its authors.",
        ),
    ] = False,
) -> None:
    """Write the page, figures, conformal sets and tables of mistakes of a finished run again.

    The tables of scores and of predictions stay as they are.
    """
    from cifar_sk.reports.run.checklist import write_checklist
    from cifar_sk.reports.run.files import rewrite_page
    from cifar_sk.reports.run.run_info import run_info
    from cifar_sk.runs.reading import read_run, run_dataset

    finished = read_run(run)
    if checklist:
        typer.echo(write_checklist(finished))
        return
    pictures = run_dataset(finished, dataset, data_home).images if images else None
    info = run_info(finished.manifest, finished.result)
    rewrite_page(finished.result, run, images=pictures, info=info)
    typer.echo(f"report.html, figures and tables of mistakes are in {run}")


main = partial(run_command, app, "cifar_sk.report")


if __name__ == "__main__":
    main()
