"""``python -m cifar_sk.cv``: evaluate a model by stratified k-fold cross-validation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Option

from cifar_sk.backend.machine import cap_threads, jobs_at_a_time
from cifar_sk.commands import options
from cifar_sk.commands.cross_validation import CVJob
from cifar_sk.commands.import_paths import add_callbacks, import_network, import_operations
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError
from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.baselines import BASELINES
from cifar_sk.pipelines.tuned import TunedModel, read_tuned
from cifar_sk.registry import is_import_path
from cifar_sk.runs.files import place
from cifar_sk.runs.provenance import provenance

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_MODELS = f"{', '.join(sorted(NETWORKS))}, or package.module:function"
_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.cv --model cnn --folds 5",
    "python -m cifar_sk.cv --model ann --dataset digits --epochs 5 --run quick",
    "python -m cifar_sk.cv --model cnn --augment flip,translate:0.1 --repeats 2",
    "python -m cifar_sk.cv --model cnn --set classifier__dropout=0.4 --set classifier__l2=0",
    "python -m cifar_sk.cv --model resnet --set classifier__network__depth=32 --jobs 1",
    "python -m cifar_sk.cv --model cnn --dataset my/pets --test-split --save-models",
    f"Models: {_MODELS}; baselines: {', '.join(BASELINES)}.",
    "A run that was killed continues with the same command and --resume.",
)


def _known_engine(name: str | None) -> str | None:
    """Refuse an engine that nobody has registered; an import path registers its own."""
    if name is not None and is_import_path(name):
        return ENGINES.import_path(name)
    if name is not None:
        ENGINES[name]  # an InputError that lists the known ones
    return name


@app.command(epilog="\n\n".join(_EXAMPLES))
def cv(
    context: typer.Context,
    model: Annotated[
        str | None,
        Option(help="Network or baseline, see below. Unset: cnn.", callback=import_network),
    ] = None,
    folds: Annotated[int, Option(min=2, help="Stratified folds.")] = 5,
    repeats: Annotated[int, Option(min=1, help="Repeats, each shuffled anew.")] = 1,
    seeds: Annotated[
        int, Option(min=1, help="Fits of the same folds, each with other training seeds.")
    ] = 1,
    groups: Annotated[
        Path | None,
        Option(help="CSV file with a group per sample; no group is trained on and scored."),
    ] = None,
    duplicates: Annotated[
        Literal["keep", "group", "drop"],
        Option(
            help="What to do with near-duplicates: keep them as they are, group them in one fold, "
            "or drop all but one of each group."
        ),
    ] = "keep",
    dataset: options.Dataset = None,
    data_home: options.DataHome = None,
    limit: options.Limit = None,
    augment: Annotated[
        str | None,
        Option(
            help="none, light, r2, r4, or a list: flip,translate:0.1,crop:4,… with steps of your "
            "own as package.module:Class. Unset: none.",
            callback=import_operations,
        ),
    ] = None,
    resample: Annotated[
        str, Option(help="none, smote, oversample or undersample the training folds.")
    ] = "none",
    epochs: options.Epochs = None,
    batch_size: Annotated[int | None, Option(help="Samples per step.")] = None,
    learning_rate: Annotated[float | None, Option(help="Highest learning rate.")] = None,
    assignments: Annotated[
        list[str] | None, options.set_option("Any parameter, as step__param=value. Repeatable.")
    ] = None,
    callbacks: options.Callbacks = None,
    params: Annotated[
        Path | None,
        Option(
            help="JSON file of parameters, such as a study's best.json, which also says which "
            "model and augmentation they are of."
        ),
    ] = None,
    seed: Annotated[
        int, Option(min=0, max=2**32 - 1, help="Seed of folds, weights, order, augmentation.")
    ] = 0,
    jobs: Annotated[
        str, Option(help="Folds at a time, or auto: as many as the processors allow.")
    ] = "auto",
    threads: Annotated[
        int | None,
        Option(
            min=1,
            help="Threads of each fold, whatever --jobs is. Unset: processors / folds, or 1.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        Option(
            callback=_known_engine,
            help=f"Where folds run: {', '.join(ENGINES)}, or package.module:Class of your own. "
            "Unset: serial for one job, processes for more.",
        ),
    ] = None,
    test_split: Annotated[
        bool, Option("--test-split", help="Also score the official test split.")
    ] = False,
    metrics: options.Metrics = None,
    figures: options.Figures = None,
    save_models: Annotated[
        bool, Option("--save-models", help="Keep every fold's fitted model.")
    ] = False,
    run: Annotated[
        str | None, Option(help="Name of the run, or a path. Unset: made of model and data set.")
    ] = None,
    results: options.Results = Path("results"),
    resume: Annotated[bool, Option("--resume", help="Continue the run.")] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the run.")] = False,
    quiet: options.Quiet = False,
) -> int:
    """Evaluate a model by stratified k-fold cross-validation, honestly.

    Writes a folder under results/ with the tables per fold, class and sample, confusion
    matrices, figures and a report page. Exit code 1 says that folds failed, 2 that the input
    cannot be used.
    """
    from cifar_sk.commands.near_duplicates import handle_duplicates
    from cifar_sk.folds.splits import load_groups, make_splits
    from cifar_sk.pipelines.models import check_network, make_model, parse_assignments, set_params

    # Whatever --jobs is, because the tables must not depend on it.
    n_fits = folds * repeats * seeds
    n_threads = cap_threads(threads, n_fits)
    n_jobs = jobs_at_a_time(jobs, n_fits, n_threads)
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    tuned = TunedModel() if params is None else read_tuned(params)
    model, augment = model or tuned.model or "cnn", augment or tuned.augment or "none"
    by_hand = {f"classifier__{name}": v for name, v in given.items() if v is not None}
    by_hand |= parse_assignments(assignments or [])  # --set has the last word
    pipeline = make_model(model, augment=augment, resample=resample)
    set_params(pipeline, {**tuned.params, **by_hand})
    add_callbacks(pipeline, callbacks or [])
    if save_models and callbacks:
        raise InputError("--save-models keeps parameters, not code; leave --callback away.")
    bunch = options.open_dataset(dataset, data_home, limit, seed=seed, test_split=test_split)
    if test_split and bunch.test_images is None:
        raise InputError(f"--test-split: {bunch.name!r} has no official test split.")
    group = None if groups is None else load_groups(groups, len(bunch.target))
    check_network(pipeline, bunch.images.shape[1:], len(bunch.target_names))
    handled = handle_duplicates(bunch, group, duplicates, quiet=quiet)
    bunch, group = handled.dataset, handled.groups
    counts = {"n_folds": folds, "n_repeats": repeats, "n_seeds": seeds}
    splits = make_splits(bunch.target, **counts, groups=group, random_state=seed)
    shared = (seed, n_threads, n_jobs, save_models, engine)
    job = CVJob(bunch, splits, pipeline, *shared, group, handled.identity)
    name = _run_name(model, augment, resample, bunch.name) if run is None else run
    path = place(name, results, "--run")
    selected = tuned.selection_note(bunch)
    if selected and not quiet:
        typer.secho(f"note: {selected}", fg=typer.colors.YELLOW, err=True)
    title = f"{model} on {bunch.name}"
    info = {"title": title, "selected": selected, **provenance(context.obj.words)}
    if handled.note:
        info["near-duplicates"] = handled.note
    return job.run(path, info, resume=resume, overwrite=overwrite, quiet=quiet)


def _run_name(model: str, augment: str, resample: str, dataset: str) -> str:
    policies = [policy for policy in (augment, resample) if policy != "none"]
    text = "-".join([model.replace(":", "."), *policies, dataset.replace(":", ".")])
    for old, new in {":": "", "/": "x", ",": "+", " ": ""}.items():
        text = text.replace(old, new)
    return text


main = partial(run_command, app, "cifar_sk.cv")


if __name__ == "__main__":
    main()
