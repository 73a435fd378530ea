"""Look for leaks in a pipeline or in a run: ``cifar-sk audit PIPELINE|RUN``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from cifar_sk.commands import options
from cifar_sk.commands.running import run_command

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.leaks import Finding

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "cifar-sk audit mypkg.models:make_pipeline --dataset cifar10",
    "cifar-sk audit experiment.py:pipeline",
    "cifar-sk audit experiment.py:pipeline --dataset digits --folds 10 --no-probes",
    "cifar-sk audit results/cnn-cifar10",
    "cifar-sk audit results/cnn-cifar10 --study results/study-cnn/best.json",
    "X and y, cv, groups, test and fit_params of the module are used where there is no --dataset.",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def audit(
    what: Annotated[
        str,
        Argument(
            metavar="PIPELINE|RUN",
            help="package.module:name or script.py:name of a pipeline, or of a function that "
            "returns one; or the folder of a run.",
            show_default=False,
        ),
    ],
    dataset: options.Dataset = None,
    data_home: options.DataHome = None,
    limit: options.Limit = None,
    folds: Annotated[int, Option(min=2, help="Stratified folds.")] = 5,
    groups: Annotated[
        Path | None, Option(help="CSV file with a group per sample, as of cv.")
    ] = None,
    test_split: Annotated[
        bool, Option("--test-split", help="Look at the official test split as well.")
    ] = False,
    study: Annotated[
        Path | None,
        Option(help="best.json of the study that selected the parameters, if any did."),
    ] = None,
    seed: Annotated[int, Option(min=0, max=2**32 - 1, help="Seed of folds and fits.")] = 0,
    probes: Annotated[
        bool, Option("--probes/--no-probes", help="Whether models are fitted and watched.")
    ] = True,
) -> int:
    """Look for ways by which scored images have a part in training.

    Of a pipeline, rules look at its samples, folds and script, and fit it four times or more on
    parts of two folds, with wrong labels and with changed images. Of a run, they look at its
    files, and at its images where these are found. Exit code 1 says that something was found,
    2 that the input cannot be used. That nothing was found is no proof.
    """
    if Path(what).is_dir():
        found, bunch = _of_run(Path(what), dataset, data_home)
    else:
        found, bunch = _of_pipeline(
            what, dataset, data_home, limit, folds, groups, test_split, seed, probes
        )
    if study is not None:
        found += _of_study(study, bunch)
    for finding in found:
        typer.echo(f"{finding.name}: {finding.sentence}\n  remedy: {finding.remedy}")
    if not found:
        typer.echo("no rule found a leak, which is no proof that there is none")
    return int(bool(found))


def _of_study(study: Path, bunch: Bunch | None) -> list[Finding]:
    from cifar_sk.commands.auditing import audit_selection
    from cifar_sk.errors import InputError

    if bunch is None:
        raise InputError("--study compares images; say where they are with --dataset.")
    return audit_selection(study, bunch)


def _of_run(
    path: Path, dataset: str | None, data_home: Path | None
) -> tuple[list[Finding], Bunch | None]:
    from cifar_sk.commands.auditing import audit_run
    from cifar_sk.errors import InputError
    from cifar_sk.runs.reading import read_run, run_dataset

    run = read_run(path)
    try:
        bunch = run_dataset(run, dataset, data_home)
    except InputError as error:
        if dataset is not None:
            raise
        typer.secho(f"note: without its images, {error}", fg=typer.colors.YELLOW, err=True)
        bunch = None
    return audit_run(run, bunch), bunch


def _of_pipeline(
    name: str,
    dataset: str | None,
    data_home: Path | None,
    limit: int | None,
    folds: int,
    groups: Path | None,
    test_split: bool,
    seed: int,
    probes: bool,
) -> tuple[list[Finding], Bunch | None]:
    from cifar_sk.commands.auditing import open_pipeline
    from cifar_sk.folds.splits import load_groups

    pipeline = open_pipeline(name)
    bunch = None
    if dataset is not None or not {"X", "y"} <= set(pipeline.beside):
        bunch = options.open_dataset(dataset, data_home, limit, seed=seed, test_split=test_split)
    n_samples = len(pipeline.beside["y"] if bunch is None else bunch.target)
    group = None if groups is None else load_groups(groups, n_samples)
    found = pipeline.audit(bunch, folds=folds, groups=group, seed=seed, probes=probes)
    return found, bunch


main = partial(run_command, app, "cifar_sk.audit")


if __name__ == "__main__":
    main()
