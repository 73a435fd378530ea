"""``python -m cifar_sk.cv``: evaluate a model by stratified k-fold cross-validation."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Option

from cifar_sk.backend.machine import cap_threads, jobs_at_a_time
from cifar_sk.commands import options
from cifar_sk.commands.cross_validation import CVJob
from cifar_sk.commands.extension import extended_words, recorded_threads
from cifar_sk.commands.import_paths import add_callbacks, import_network, import_operations
from cifar_sk.commands.running import Call, run_command
from cifar_sk.errors import InputError
from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.baselines import BASELINES
from cifar_sk.pipelines.tuned import TunedModel, read_tuned
from cifar_sk.registry import importing_only, is_import_path
from cifar_sk.runs.files import place
from cifar_sk.runs.provenance import provenance

if TYPE_CHECKING:
    from cifar_sk.runs.reading import FinishedRun

__all__ = ["app", "extend_run", "main"]

_INTERRUPTED = 130  # Typer's own answer to Ctrl-C

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
    "With --resume and more --repeats (or --seeds, of one repeat) a run keeps its folds and adds.",
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

    tuned = TunedModel() if params is None else read_tuned(params)
    model, augment = model or tuned.model or "cnn", augment or tuned.augment or "none"
    load = partial(options.open_dataset, dataset, data_home, limit, seed=seed)
    bunch = load(test_split=test_split) if resume else None
    if bunch is not None and threads is None:  # those of the run, however many folds are added
        named = run or _run_name(model, augment, resample, bunch.name)
        threads = recorded_threads(place(named, results, "--run"))
    # Whatever --jobs is, because the tables must not depend on it.
    n_fits = folds * repeats * seeds
    n_threads = cap_threads(threads, n_fits)
    n_jobs = jobs_at_a_time(jobs, n_fits, n_threads)
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    by_hand = {f"classifier__{name}": v for name, v in given.items() if v is not None}
    by_hand |= parse_assignments(assignments or [])  # --set has the last word
    pipeline = make_model(model, augment=augment, resample=resample)
    set_params(pipeline, {**tuned.params, **by_hand})
    add_callbacks(pipeline, callbacks or [])
    if save_models and callbacks:
        raise InputError("--save-models keeps parameters, not code; leave --callback away.")
    bunch = bunch or load(test_split=test_split)
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


def extend_run(
    path: str | Path,
    n_repeats: int | None = None,
    *,
    n_seeds: int | None = None,
    import_paths: Collection[str] = (),
    quiet: bool = True,
) -> FinishedRun:
    """Add repeats or seeds to a run of this command, by the command that its folder notes.

    Parameters
    ----------
    path : str or Path
        The run folder.
    n_repeats, n_seeds : int or None, default=None
        How many the run is to have; None leaves the number. Seeds can be added to a run of one
        repeat only.
    import_paths : collection of str, default=()
        The code of your own, as ``package.module:name``, that the command may import. A path
        that only the folder names is refused, for the folder may come from anywhere.
    quiet : bool, default=True
        Print nothing.

    Returns
    -------
    FinishedRun
        With the folds that it had, and those that were added.

    Raises
    ------
    InputError
        If the run was not made by this command, has more repeats or seeds, cannot be computed
        here as it was (other data, backend or versions' defaults), or a fold fails.

    Notes
    -----
    Of the folder's command the options are taken that say what is computed. Where the run is
    written, and whether it is overwritten, is never taken from it.
    """
    from cifar_sk.runs.reading import read_run

    words = extended_words(app, Path(path), n_repeats, n_seeds)
    call = Call(["python", "-m", "cifar_sk.cv", *words])
    shown = redirect_stdout(StringIO()) if quiet else nullcontext()
    with importing_only(import_paths), shown:
        command = typer.main.get_command(app)
        try:
            code = command.main(words, prog_name="cv", standalone_mode=False, obj=call)
        except typer.TyperException as error:
            raise InputError(f"{path} cannot be added to: {error.format_message()}") from error
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise InputError(f"Folds that were added to {path} failed; see its report.html.")
    return read_run(path)


main = partial(run_command, app, "cifar_sk.cv")


if __name__ == "__main__":
    main()
