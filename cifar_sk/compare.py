"""Compare finished runs: ``python -m cifar_sk.compare results/ann results/cnn``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from cifar_sk.commands.options import DataHome, RunDataset
from cifar_sk.commands.output import folder_name
from cifar_sk.commands.printing import print_table, wide_console
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from cifar_sk.comparison import Comparison

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_MAX_ROWS = 30  # longer tables are in the files only

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.compare results/ann-digits results/cnn-digits",
    "python -m cifar_sk.compare results/ann results/cnn results/fast   (a ranking)",
    "python -m cifar_sk.compare results/a results/b --metric log_loss --rope 0.02",
    "python -m cifar_sk.compare results/a results/b --test mypkg.tests:SignTest",
    "python -m cifar_sk.compare results/a results/b --until-certain --max-repeats 10",
    "It was interrupted? The same command goes on, and no look is forgotten.",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def compare(
    runs: Annotated[
        list[Path], Argument(help="Folders of two or more finished runs.", show_default=False)
    ],
    metric: Annotated[
        str, Option(help="The primary metric, chosen before looking; or package.module:function.")
    ] = "accuracy",
    rope: Annotated[
        float, Option(min=0, help="Differences up to this count as practically none.")
    ] = 0.01,
    test: Annotated[
        list[str] | None,
        Option(help="A test of your own, as package.module:Test. Repeatable.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        Option(
            help="Folder for tables, figures and page. Unset: made of the runs' names under "
            "results/comparisons.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, Option(min=0, help="Seed of the bootstrap.")] = 0,
    images: Annotated[
        bool, Option("--images/--no-images", help="Whether the page of two runs holds pictures.")
    ] = True,
    until_certain: Annotated[
        bool,
        Option(
            "--until-certain",
            help="Add repeats to both runs, one at a time, until the difference is shown, or "
            "shown to be within --rope, at limits that keep 5 % over all looks.",
        ),
    ] = False,
    max_repeats: Annotated[
        int, Option(min=1, help="Where --until-certain ends at the latest.")
    ] = 10,
    code: Annotated[
        list[str] | None,
        Option(
            help="Code of your own that the runs' commands name, as package.module:name, which "
            "--until-certain may import. Repeatable.",
            show_default=False,
        ),
    ] = None,
    dataset: RunDataset = None,
    data_home: DataHome = None,
) -> None:
    """Compare runs on the same images and folds, and say what the tests support.

    Runs whose data or folds differ are refused. Of two runs every metric, class and image is
    compared; more are ranked, and tested pair by pair. The folder keeps every look at two runs:
    where repeats are added and the runs are compared again, the earlier looks count.
    """
    from cifar_sk.commands.looking import compare_and_keep, look_until_certain
    from cifar_sk.comparison import conclusion
    from cifar_sk.comparison.alike import folder_names
    from cifar_sk.comparison.looks_wording import look_line
    from cifar_sk.comparison.tests import TESTS
    from cifar_sk.metrics import METRICS
    from cifar_sk.registry import is_import_path
    from cifar_sk.reports.comparison.files import write_comparison
    from cifar_sk.reports.comparison.rows import comparison_tables
    from cifar_sk.runs.files import make_folder
    from cifar_sk.runs.reading import read_run

    if is_import_path(metric):
        METRICS.import_path(metric)
    for path in test or []:
        TESTS.import_path(path)
    names = folder_names(runs)
    folder = output or Path("results/comparisons") / folder_name(names)
    if (folder / "run.json").exists():
        raise InputError(f"--output must not be a run's own folder, got {folder}.")
    if until_certain:
        finished = look_until_certain(
            runs,
            folder,
            metric=metric,
            rope=rope,
            max_repeats=max_repeats,
            extend=partial(_extend, code=code or []),
            say=lambda looks: typer.echo(look_line(looks, names, rope)),
        )
    else:
        finished = [read_run(path) for path in runs]
    comparison = compare_and_keep(finished, folder, metric=metric, rope=rope, seed=seed)
    pictures = _pictures(comparison, dataset, data_home) if images else None
    make_folder(folder)
    write_comparison(comparison, folder, images=pictures)
    console = wide_console(150)
    for table in comparison_tables(comparison):
        if len(table.rows) <= _MAX_ROWS + 1:
            print_table(console, table.rows, table.title)
    for sentence in [*conclusion(comparison), *comparison.remarks]:
        typer.echo(f"- {sentence}")
    typer.echo(f"tables, figures and comparison.html are in {folder}")


def _extend(path: Path, n_repeats: int, *, code: Sequence[str]) -> None:
    from cifar_sk.cv import extend_run

    typer.echo(f"{path}: to {n_repeats} repeats")
    extend_run(path, n_repeats, import_paths=code, quiet=False)


def _pictures(
    comparison: Comparison, dataset: str | None, data_home: Path | None
) -> np.ndarray | None:
    """Load the images of two runs; where they cannot be had, the page does without."""
    from cifar_sk.runs.reading import run_dataset

    if comparison.pair is None:
        return None
    try:
        return run_dataset(comparison.runs[0], dataset, data_home).images
    except InputError as error:
        if dataset is not None:
            raise
        typer.echo(f"The page holds no pictures. {error}")
        return None


main = partial(run_command, app, "cifar_sk.compare")


if __name__ == "__main__":
    main()
