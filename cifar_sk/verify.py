"""Check a run's files, and compute its tables again: ``cifar-sk verify RUN``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from cifar_sk.commands.options import Metrics
from cifar_sk.commands.running import run_command

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "cifar-sk verify results/cnn-cifar10",
    "cifar-sk verify results/*/",
    "A damaged fold is fitted again by the run's own command and --resume.",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def verify(
    runs: Annotated[list[Path], Argument(help="Folders of runs.", show_default=False)],
    metrics: Metrics = None,
) -> int:
    """Say what of a run is whole, and whether its tables are those that its predictions give.

    Every file of a finished fold is compared with the size and the SHA-256 that were written
    with it; then all tables are computed again, on any machine, and each is called identical,
    within rounding (1 part in 10⁹), or different. Exit code 1 says that something is damaged or
    different, 2 that a folder holds no run.
    """
    return max([_verify(run) for run in runs])


def _verify(run: Path) -> int:
    from cifar_sk.reports.run.verification import IDENTICAL, OLDER, ROUNDED, compare_tables
    from cifar_sk.runs.folder import read_manifest
    from cifar_sk.runs.own_files import finished
    from cifar_sk.runs.reading import read_run, run_damage

    manifest = read_manifest(run)
    damaged = run_damage(run, manifest)
    n_folds, n_expected = len(finished(run)), manifest.split.n_expected
    listed = "" if manifest.digest else ", of a version that wrote no checksums"
    typer.echo(f"{run}: {n_folds} of {n_expected} folds{listed}")
    for damage in damaged:
        typer.echo(f"  {damage}")
    if damaged:
        return 1
    if listed == "":
        typer.echo("  every file is as it was written")
    if n_folds < n_expected:
        typer.echo("  its tables are compared once all folds are finished")
        return 0
    outcomes = compare_tables(read_run(run).result, run)
    for name, outcome in outcomes.items():
        typer.echo(f"  {name:<44}{outcome}")
    return int(not {*outcomes.values()} <= {IDENTICAL, OLDER, ROUNDED})


main = partial(run_command, app, "cifar_sk.verify")


if __name__ == "__main__":
    main()
