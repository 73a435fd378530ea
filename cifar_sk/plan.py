"""How many repeats, seeds and images show a difference: ``cifar-sk plan RUN [RUN]``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from cifar_sk.commands.output import folder_name
from cifar_sk.commands.printing import print_table, wide_console
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "cifar-sk plan results/ann-digits results/cnn-digits --difference 1",
    "cifar-sk plan results/cnn-digits --difference 0.5 --power 0.9   (another one like it)",
    "cifar-sk plan results/a results/b --metric log_loss --difference 0.02",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def plan(
    runs: Annotated[
        list[Path],
        Argument(help="Folders of two finished runs, or of one.", show_default=False),
    ],
    difference: Annotated[
        float,
        Option(
            help="The difference to be shown: in points (hundredths) of accuracy and other "
            "shares, else in units of the metric.",
            show_default=False,
        ),
    ],
    metric: Annotated[str, Option(help="The metric.")] = "accuracy",
    power: Annotated[float, Option(help="The chance to show the difference.")] = 0.8,
    output: Annotated[
        Path | None,
        Option(
            help="Folder for tables and figure. Unset: made of the runs' names under "
            "results/plans.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say how many repeats, seeds and images would show a difference of two procedures.

    Two runs tell what their difference varies with: images, training sets, seeds. Of one run, the
    other procedure is taken to be one like it. The power is that of the procedure test of
    cifar-sk compare, at 5 %.
    """
    from cifar_sk.comparison import wording
    from cifar_sk.comparison.planning import plan_difference, plan_sentences
    from cifar_sk.reports.comparison.plan_files import component_rows, plan_rows, write_plan
    from cifar_sk.runs.reading import read_run

    size = difference * wording.unit(metric)
    finished = [read_run(path) for path in runs]
    planned = plan_difference(finished, size, metric=metric, power=power)
    folder = output or Path("results/plans") / folder_name(planned.names)
    if (folder / "run.json").exists():
        raise InputError(f"--output must not be a run's own folder, got {folder}.")
    write_plan(planned, folder)
    console = wide_console(150)
    print_table(console, component_rows(planned), "What varies")
    print_table(console, plan_rows(planned), "Chance to show the difference")
    for sentence in plan_sentences(planned):
        typer.echo(f"- {sentence}")
    typer.echo(f"plan.csv, variance_components.csv and power.png are in {folder}")


main = partial(run_command, app, "cifar_sk.plan")


if __name__ == "__main__":
    main()
