"""``checklist.md``: what a run can say to the items of REFORMS, and what its authors must."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cifar_sk.metrics import METRICS
from cifar_sk.metrics.fold_table import fold_count, row_name
from cifar_sk.reports.run.reforms import MODULES, Item
from cifar_sk.reports.run.tables import RunTables
from cifar_sk.reports.templating import number, pair
from cifar_sk.runs.files import write_atomically
from cifar_sk.runs.manifest import DataRecord
from cifar_sk.runs.reading import FinishedRun

__all__ = ["CHECKLIST", "Checklist", "checklist", "write_checklist"]

CHECKLIST = "checklist.md"
_DOI = "https://doi.org/10.1126/sciadv.adk3452"
_MAX_CLASSES = 20  # named one by one


class Checklist(NamedTuple):
    """The text of ``checklist.md``, and how many of its items the run says something to."""

    text: str
    n_items: int
    n_answered: int


def checklist(run: FinishedRun) -> Checklist:
    """Answer the items of REFORMS that a run can, and leave the others as questions.

    Parameters
    ----------
    run : FinishedRun
        As `cifar_sk.read_run` reads it, of this version or an older one.

    Returns
    -------
    Checklist
        Markdown with a section for each of the 8 modules and each of the 32 items: what the run
        folder says, and a box to tick with what only the authors know.

    References
    ----------
    Kapoor et al. (2024), https://doi.org/10.1126/sciadv.adk3452
    """
    source = _Run(run)
    lines, n_items, n_answered = [], 0, 0
    for module, items in MODULES.items():
        lines += [f"## {module}", ""]
        for item in items:
            answers = list(_ANSWERS.get(item.number, _nothing)(source))
            lines += _section(item, answers)
            n_items += 1
            n_answered += bool(answers)
    title = f"# Reporting list of {_code(run.manifest.title or run.name)}"
    about = (
        f"The {n_items} items of REFORMS (Kapoor et al. 2024, {_DOI}), in our words. The run says "
        f"something to {n_answered} of them; what stands beside a box only its authors know."
    )
    return Checklist(
        "\n".join([title, "", about, "", *lines]).rstrip() + "\n", n_items, n_answered
    )


def write_checklist(run: FinishedRun) -> str:
    """Write ``checklist.md`` into a run's folder, and say in a sentence what is where."""
    found = checklist(run)
    write_atomically(run.path / CHECKLIST, found.text.encode())
    return (
        f"{run.path / CHECKLIST} holds the {found.n_items} items of REFORMS; the run says "
        f"something to {found.n_answered}, and the boxes are for its authors"
    )


def _section(item: Item, answers: list[str]) -> list[str]:
    said = [f"- The run: {answer}" for answer in answers]
    return [f"### {item.number} {item.topic}", "", *said, f"- [ ] Authors: {item.question}", ""]


def _nothing(_: _Run) -> Iterator[str]:
    return iter(())


def _code(value: Any) -> str:
    """Write a text of the run so that Markdown reads nothing into it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if text.startswith("`") or text.endswith("`") or not text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _named(values: dict[str, Any]) -> str:
    """Write names and values in one line."""
    said = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    return ", ".join(f"{_code(name)} {_code(value)}" for name, value in said.items())


class _Run:
    """What answers are taken from: a run, its tables, and that of folds by the names of rows."""

    def __init__(self, run: FinishedRun) -> None:
        self.manifest, self.result = run.manifest, run.result
        self.tables = RunTables(run.result)
        rows = self.tables.folds.set_index("row")
        self.folds: dict[Any, dict[Any, Any]] = rows.to_dict("index")


def _data(run: _Run) -> Iterator[str]:
    data, test = run.manifest.data, run.manifest.test_split
    yield f"data set {_described(data)}."
    if data.fallback:
        yield f"it stands in for another data set: {_code(data.fallback)}."
    if test:
        yield f"official test split {_described(test)}."


def _described(data: DataRecord) -> str:
    size = f", {data.n_samples:,} images" if data.n_samples else ""
    shape = f" of the shape {' × '.join(map(str, data.image_shape))}" if data.image_shape else ""
    known = f", SHA-256 {_code(data.fingerprint)}" if data.fingerprint else ""
    return f"{_code(data.name)}{size}{shape}{known}"


def _program(run: _Run) -> Iterator[str]:
    if version := run.manifest.versions.get("cifar_sk"):
        yield f"cifar_sk {_code(version)}."
    yield from _command(run)


def _command(run: _Run) -> Iterator[str]:
    if run.manifest.command:
        yield f"it was made by {_code(run.manifest.command)}."


def _machine(run: _Run) -> Iterator[str]:
    manifest = run.manifest
    if manifest.machine:
        yield f"machine {_named(manifest.machine)}."
    if manifest.versions:
        yield f"versions {_named(manifest.versions)}; backend {_code(manifest.backend)}."
    threads = {"engine": manifest.engine, "threads per fold": manifest.n_threads}
    if said := _named(threads):
        yield f"{said}."
    times = [fold.fit_time for fold in run.result.scored]
    if np.isfinite(times).all():
        yield f"the fits of {fold_count(run.result)} took {sum(times):,.0f} seconds together."


def _origin(run: _Run) -> Iterator[str]:
    if run.manifest.data.source:
        yield f"images were read from {_code(run.manifest.data.source)}."


def _target(run: _Run) -> Iterator[str]:
    names = run.result.class_names
    counts = np.bincount(run.result.target, minlength=len(names)).tolist()
    if len(names) > _MAX_CLASSES:
        yield f"{len(names)} classes of {min(counts):,} to {max(counts):,} images each."
    else:
        each = ", ".join(f"{_code(k)} {n:,}" for k, n in zip(names, counts, strict=True))
        yield f"{len(names)} classes, with images: {each}."


def _size(run: _Run) -> Iterator[str]:
    yield f"{len(run.result.target):,} images."
    yield from _group_count(run)


def _group_count(run: _Run) -> Iterator[str]:
    if run.result.groups is not None:
        yield f"{len(np.unique(run.result.groups)):,} groups of images."


def _exclusions(run: _Run) -> Iterator[str]:
    data = run.manifest.data
    if "subset" in f"{data.name} {data.source}":
        yield f"it holds a subset: {_code(data.source or data.name)}."
    for fold in run.result.failed:
        yield (
            f"the {len(fold.test_index):,} images of {row_name(fold)} have no prediction, for it "
            f"failed: {_code(fold.error or 'no reason recorded')}."
        )


def _steps(run: _Run) -> Iterator[str]:
    pipeline = run.manifest.pipeline
    if steps := pipeline.get("steps"):
        order = pipeline.get("order") or list(steps)
        yield f"steps of the pipeline, in order: {_named({name: steps[name] for name in order})}."


def _model(run: _Run) -> Iterator[str]:
    yield from _steps(run)
    if params := run.manifest.pipeline.get("params"):
        yield f"parameters: {', '.join(f'{_code(k)} {_code(v)}' for k, v in params.items())}."
    found = {fold.n_parameters for fold in run.result.scored if fold.n_parameters is not None}
    if found:
        yield f"weights of a fitted network: {', '.join(f'{n:,}' for n in sorted(found))}."


def _evaluation(run: _Run) -> Iterator[str]:
    result, split = run.result, run.manifest.split
    known = f", SHA-256 {_code(split.fingerprint)}" if split.fingerprint else ""
    yield f"cross-validation of {split.words}{known}; predictions of {fold_count(result)}."
    sizes = [(fold.n_train, len(fold.test_index)) for fold in result.scored]
    if sizes:
        low, high = np.min(sizes, axis=0), np.max(sizes, axis=0)
        trained, scored = (_range(*bounds) for bounds in zip(low, high, strict=True))
        yield f"each fold trains on {trained} images and is scored on {scored}."
    yield from _group_count(run)
    if test := run.manifest.test_split:
        yield f"every fold's model also predicts {test.n_samples:,} images of a test split."
    if run.manifest.seed is not None:
        yield f"seed {run.manifest.seed}."


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _selection(run: _Run) -> Iterator[str]:
    if run.manifest.selected:
        yield f"{_code(run.manifest.selected)}"


def _tuning(run: _Run) -> Iterator[str]:
    yield from _selection(run)
    for fold in run.result.scored:
        if fold.best_params is not None:
            yield f"a search in {row_name(fold)} chose {_named(fold.best_params)}."


def _training_only(run: _Run) -> Iterator[str]:
    if run.manifest.pipeline.get("steps"):
        yield "every step of the pipeline (4c) was fitted in each fold on its training images."


def _dependencies(run: _Run) -> Iterator[str]:
    if run.result.groups is not None:
        yield from _group_count(run)
    else:
        yield "its folder holds no groups of images."


def _inputs(run: _Run) -> Iterator[str]:
    if shape := run.manifest.data.image_shape:
        yield f"the input is an array of the shape {' × '.join(map(str, shape))} for each image."


def _metrics(run: _Run) -> Iterator[str]:
    for name in (name for name in METRICS if name in run.folds["mean"]):
        mean, std = run.folds["mean"][name], run.folds["std"][name]
        yield f"{METRICS[name].label} {pair(mean, std, '±')} (mean ± std over folds)."


def _uncertainty(run: _Run) -> Iterator[str]:
    yield f"{run.folds['std']['basis']}."
    for row in run.tables.intervals.query("metric == 'accuracy'").to_dict("records"):
        if np.isfinite([row["low"], row["high"]]).all():
            bounds = f"{number(row['low'])} to {number(row['high'])}"
            yield f"95 % interval of accuracy, {row['kind']}: {bounds}; varied: {row['varies']}."


def _test_split(run: _Run) -> Iterator[str]:
    name = "test_split_accuracy"
    if name in run.folds["mean"]:
        accuracy = pair(run.folds["mean"][name], run.folds["std"][name], "±")
        yield f"accuracy {accuracy} on the official test split, of the same source."


_ANSWERS: dict[str, Callable[[_Run], Iterator[str]]] = {
    "2a": _data,
    "2b": _program,
    "2c": _machine,
    "2d": _command,
    "2e": _command,
    "3a": _origin,
    "3d": _target,
    "3e": _size,
    "4a": _exclusions,
    "4c": _steps,
    "5a": _model,
    "5c": _evaluation,
    "5d": _selection,
    "5e": _tuning,
    "6a": _training_only,
    "6b": _dependencies,
    "6c": _inputs,
    "7a": _metrics,
    "7b": _uncertainty,
    "8a": _test_split,
}
