"""``python -m cifar_sk.tune``: tune a model's parameters by an Optuna study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from cifar_sk.backend.machine import cap_threads
from cifar_sk.commands import import_paths, options
from cifar_sk.commands.running import Call, run_command
from cifar_sk.errors import InputError
from cifar_sk.networks import NETWORKS
from cifar_sk.runs.files import place
from cifar_sk.runs.provenance import provenance

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.tune --model cnn --trials 30 --folds 3 --epochs 15 --holdout 0.2",
    "python -m cifar_sk.tune --model cnn --space cnn --space augmentation --show-space",
    "python -m cifar_sk.tune --model ann --space my_space.toml --sampler random",
    "python -m cifar_sk.tune --model cnn --objective accuracy --objective n_parameters",
    "python -m cifar_sk.tune --model cnn --workers 2",
    "python -m cifar_sk.tune --model cnn --storage postgresql+psycopg://me:secret@host/studies",
    "python -m cifar_sk.tune --model cnn --trials 10 --nested 5",
    "python -m cifar_sk.cv --params results/studies/cnn-digits/best.json",
    "A study that was stopped continues with the same command; more --trials extend it.",
    "A space is a TOML file with a line per parameter, such as",
    "classifier__learning_rate = { low = 1e-4, high = 1e-2, log = true }",
    "classifier__batch_size = [32, 64, 128]",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def tune(
    context: typer.Context,
    model: Annotated[
        str,
        Option(
            help=f"{', '.join(sorted(NETWORKS))}, or package.module:function.",
            callback=import_paths.import_network,
        ),
    ] = "cnn",
    space: Annotated[
        list[str] | None,
        Option(
            help="Search space: ann, cnn, fast, augmentation, training, or a TOML file. "
            "Repeatable; later ones win. Unset: the model's own.",
            show_default=False,
        ),
    ] = None,
    show_space: Annotated[bool, Option("--show-space", help="Print the space, and stop.")] = False,
    trials: Annotated[int, Option(min=1, help="Trials of the study, earlier ones included.")] = 20,
    timeout: Annotated[
        float | None, Option(min=0, help="Seconds after which no trial begins.")
    ] = None,
    folds: Annotated[int, Option(min=2, help="Stratified folds of the study.")] = 3,
    groups: Annotated[
        Path | None,
        Option(
            help="CSV file with a group per sample; no group stands on both sides of a split, nor "
            "of --holdout or --nested."
        ),
    ] = None,
    epochs: options.Epochs = None,
    dataset: options.Dataset = None,
    data_home: options.DataHome = None,
    limit: options.Limit = None,
    holdout: Annotated[
        float,
        Option(
            min=0,
            max=0.9,
            help="Keep this share of the images from the study; winner and defaults are "
            "compared on them.",
        ),
    ] = 0.0,
    holdout_seeds: Annotated[int, Option(min=2, help="Fits of each on --holdout.")] = 5,
    nested: Annotated[
        int | None,
        Option(
            min=2,
            help="Tune inside each of so many outer folds and score the outer fold: an honest "
            "score of the tuning, as an ordinary run.",
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        Option(
            callback=import_paths.import_objectives,
            help="accuracy (default), another metric, package.module:function of your own, "
            "n_parameters or fit_time. Repeated: all of them, with the Pareto front and without "
            "pruning.",
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        str,
        Option(
            help="tpe, random, grid, or cmaes (which keeps its state in the storage as a "
            "pickle: use it with storages that you trust)."
        ),
    ] = "tpe",
    pruner: Annotated[str, Option(help="fold: stop trials that fall behind, or none.")] = "fold",
    augment: Annotated[
        str | None,
        Option(
            help="As for cifar_sk.cv. Unset: the operations that the space names, or none.",
            callback=import_paths.import_operations,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        options.set_option("A parameter that is not tuned, as step__param=value."),
    ] = None,
    callbacks: options.Callbacks = None,
    storage: Annotated[
        str | None,
        Option(
            help="sqlite:///FILE, journal:///FILE (several workers) or "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE (several machines). Unset: a file "
            "in the study's folder.",
            envvar="CIFAR_SK_STORAGE",
        ),
    ] = None,
    workers: Annotated[int, Option(min=1, help="Trials at a time, in processes.")] = 1,
    threads: Annotated[
        int | None, Option(min=1, help="Threads of each worker. Unset: processors / workers.")
    ] = None,
    seed: Annotated[int, Option(min=0, max=2**32 - 1, help="Seed of folds, sampler, fits.")] = 0,
    study: Annotated[
        str | None, Option(help="Name of the study. Unset: made of model and data set.")
    ] = None,
    results: options.Results = Path("results"),
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the study.")] = False,
    quiet: options.Quiet = False,
) -> int:
    """Tune a model's parameters by an Optuna study that gives up early on bad trials.

    Writes a folder under results/studies/ with the trials, the best parameters, figures and a
    report page. The best score of a study is selected, hence optimistic; --holdout and
    --nested give honest ones.
    """
    from cifar_sk.commands.study import TuneJob, split_off
    from cifar_sk.commands.study_setup import Setup, read_space
    from cifar_sk.folds.groups import group_numbers
    from cifar_sk.folds.splits import load_groups, make_splits
    from cifar_sk.tuning.engine import Budget
    from cifar_sk.tuning.objective import TuningTask
    from cifar_sk.tuning.storage import choose_storage, shown_url

    start = time.monotonic()
    call: Call = context.obj
    searched = read_space(model, space or [], call.space)
    if show_space:
        typer.echo(searched.to_toml(), nl=False)
        return 0
    objectives = tuple(objective or ["accuracy"])
    _check(objectives, nested, workers, storage, holdout)
    n_threads = cap_threads(threads, nested or workers)
    setup = Setup.make(model, augment, searched, epochs, assignments or [])
    import_paths.add_callbacks(setup.pipeline, callbacks or [])
    bunch = options.open_dataset(dataset, data_home, limit, seed=seed)
    n = len(bunch.target)
    group = None if groups is None else group_numbers(load_groups(groups, n), n)
    deadline = None if timeout is None else time.time() + timeout
    parts = [model, *(Path(name).stem for name in space or []), *(["nested"] if nested else [])]
    name = (
        "-".join(dict.fromkeys([*parts, bunch.name])).replace(":", ".") if study is None else study
    )
    path = place(name, results if nested else results / "studies", "--study")
    words = call.words
    if storage is not None:  # which may hold a password
        words = [word.replace(storage, shown_url(storage)) for word in words]
    about = provenance(words)
    title = f"{model} tuned on {bunch.name}"
    if nested:
        tuning = {"n_trials": trials, "timeout": timeout, "sampler": sampler, "pruner": pruner}
        outer = {"cv": folds, "scoring": objectives[0], "storage": path / "studies"}
        evaluation = setup.nested(bunch, nested, seed, n_threads, group, {**tuning, **outer})
        resume = (path / "run.json").exists() and not overwrite
        info = {"title": title, **about}
        return evaluation.run(path, info, resume=resume, overwrite=overwrite, quiet=quiet)
    kept, held_out, group = split_off(bunch, holdout, seed, group)
    splits = make_splits(kept.target, n_folds=folds, groups=group, random_state=seed)
    task = TuningTask(
        setup.pipeline, setup.space, kept.images, kept.target, splits, objectives, seed, group
    )
    budget = Budget(trials, deadline, sampler, pruner)
    spec = choose_storage(storage, path, n_workers=workers)
    job = TuneJob(
        setup, task, kept, held_out, budget, path, spec, workers, n_threads, holdout_seeds, quiet
    )
    info = {"title": title, "fallback": bunch.fallback, **about, "data source": bunch.source}
    return job.execute(info, start, overwrite=overwrite)


def _check(
    objectives: tuple[str, ...],
    nested: int | None,
    workers: int,
    storage: str | None,
    holdout: float,
) -> None:
    """Refuse options that do not go together."""
    if nested and len(objectives) > 1:
        raise InputError("--nested needs one objective, for each outer fold takes one winner.")
    if nested and (workers > 1 or storage or holdout):
        raise InputError(
            "--nested runs its outer folds side by side, keeps its studies in the run's folder "
            "and holds out the outer folds; leave --workers, --storage and --holdout away."
        )


def main(
    argv: Sequence[str] | None = None,
    *,
    name: str = "cifar_sk.tune",
    space: Mapping[str, Any] | None = None,
    **defaults: Any,
) -> None:
    """Run the command line, as itself or as that of a study of one's own.

    `name` is the module that is run, for messages; `space` the search space, unless ``--space`` is
    given; `defaults` are other defaults of the options. A study of one's own is a file
    ``my_study.py``, which is run by ``python -m my_study --dataset digits``::

        from cifar_sk.tune import main

        if __name__ == "__main__":
            main(name="my_study", space={"classifier__l2": [0, 1e-3]}, model="cnn", trials=2)
    """
    run_command(app, name, argv, defaults=defaults, space=space)


if __name__ == "__main__":
    main()
