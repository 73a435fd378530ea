"""Explain predictions: choose samples, draw maps of each by its own model, write the files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.estimators.base import BaseImageClassifier
    from cifar_sk.runs.reading import FinishedRun

__all__ = [
    "MAPS",
    "OF_THE_MODEL",
    "Predictions",
    "choose_samples",
    "draw_model",
    "explain_samples",
    "model_predictions",
    "run_predictions",
    "write_explanation",
]

MAPS = ("saliency", "smooth_grad", "integrated_gradients", "grad_cam", "occlusion")
OF_THE_MODEL = ("maximisation", "filters")
_FIGURES = ("correct", "wrong", "samples", "filters", "class_maxima", "filter_maxima")
FILES = ("explained.csv", *(f"{name}.png" for name in _FIGURES))
_HEADINGS = {
    "correct": "right predictions, most confident first",
    "wrong": "wrong predictions, most confident first",
    "samples": "samples as listed",
}
_SHOWN_FILTERS = 16


@dataclass(frozen=True)
class Predictions:
    """Predictions to explain, by sample, and the models that made them (`load`, by fold)."""

    # The fold of a model of no run is -1.
    table: pd.DataFrame
    load: Callable[[int], BaseImageClassifier]
    name: str
    bunch: Bunch  # the data set that is predicted


def run_predictions(run: FinishedRun, bunch: Bunch, fold: int | None = None) -> Predictions:
    """Return out-of-fold predictions of a run, each by the model that held the sample out."""
    from cifar_sk.estimators.base import BaseImageClassifier

    scored = run.result.scored
    folds = {f.index: f for f in scored if fold is not None or f.repeat == f.seed == 0}
    if fold is not None and fold not in folds:
        known = ", ".join(map(str, sorted(folds)))
        raise InputError(f"--fold must be one of {known} of {run.path}, got {fold}.")
    chosen = folds.values() if fold is None else [folds[fold]]
    tables = [
        _prediction_table(f.test_index, f.index, run.result.target, f.proba, bunch.target_names)
        for f in chosen
    ]
    for f in chosen:
        run.model_folder(f.index)  # all of them, before anything is computed

    @functools.cache
    def load(index: int) -> BaseImageClassifier:
        return BaseImageClassifier.load(run.model_folder(index))

    return Predictions(pd.concat(tables, ignore_index=True), load, run.name, bunch)


def model_predictions(path: Path, bunch: Bunch) -> Predictions:
    """Let a saved classifier predict a data set, on which it may have trained."""
    from cifar_sk.estimators.base import BaseImageClassifier

    run = path.resolve().parent.parent
    if (run / "run.json").exists():
        raise InputError(
            f"{path} is a fold of a run, most of whose images its model trained on; explain "
            f"{run} with --fold {int(path.resolve().name)}."
        )
    classifier = BaseImageClassifier.load(path)
    _check_classes(classifier, bunch, str(path))
    proba = np.zeros((len(bunch.target), len(bunch.target_names)))
    proba[:, classifier.classes_.astype(int)] = classifier.predict_proba(bunch.images)
    index = np.arange(len(proba))
    table = _prediction_table(index, -1, bunch.target, proba, bunch.target_names)
    return Predictions(table, lambda _: classifier, path.resolve().name, bunch)


def _check_classes(classifier: BaseImageClassifier, bunch: Bunch, who: str) -> None:
    n_classes = len(bunch.target_names)
    if not np.isin(classifier.classes_, np.arange(n_classes)).all():
        raise InputError(
            f"{who} was fitted on the classes {classifier.classes_.tolist()}, but "
            f"{bunch.name!r} has 0 to {n_classes - 1}; pass the data set that it knows."
        )


def _prediction_table(
    index: np.ndarray, fold: int, target: np.ndarray, proba: Any, names: Sequence[str]
) -> pd.DataFrame:
    predicted, true = proba.argmax(axis=1), target[index]
    called = np.asarray(names, dtype=object)
    return pd.DataFrame(
        {
            "sample": index,
            "fold": fold,
            "true": called[true],
            "predicted": called[predicted],
            "confidence": proba.max(axis=1),
            "is_correct": predicted == true,
        }
    )


def choose_samples(
    table: pd.DataFrame, samples: Sequence[int] | None, n: int
) -> dict[str, pd.DataFrame]:
    """Return rows to explain: the listed "samples", or the surest "correct" and "wrong" ones."""
    if samples is not None:
        places = pd.Index(table["sample"]).get_indexer(pd.Index(samples))
        missing = [s for s, place in zip(samples, places, strict=True) if place < 0]
        if missing:
            raise InputError(
                f"--samples: {missing[0]} is not among the {len(table):,} samples predicted here; "
                f"samples count from 0, and --fold keeps to those of one fold."
            )
        return {"samples": table.iloc[places].reset_index(drop=True)}
    ranked = table.sort_values("confidence", ascending=False, kind="stable")
    groups = {"correct": ranked[ranked["is_correct"]], "wrong": ranked[~ranked["is_correct"]]}
    return {
        name: rows.head(n).reset_index(drop=True) for name, rows in groups.items() if len(rows)
    }


def explain_samples(
    predictions: Predictions,
    chosen: pd.DataFrame,
    methods: Sequence[str],
    *,
    explained: str = "predicted",
    random_state: int = 0,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Explain each sample by its own fold's model: the table, and maps, float32 (n, h, w)."""
    # completeness_error is the sum of integrated gradients, less the logit's difference from the
    # baseline's.
    bunch, chosen = predictions.bunch, chosen.reset_index(drop=True)
    table = chosen.assign(explained=chosen[explained], logit=np.nan)
    if "integrated_gradients" in methods:
        table["completeness_error"] = np.nan
    maps = {m: np.zeros((len(table), *bunch.images.shape[1:3]), np.float32) for m in methods}
    for fold in table["fold"].unique().tolist():
        rows = table[table["fold"] == fold]
        classifier = predictions.load(fold)
        _check_classes(classifier, bunch, f"The model of fold {fold}")
        columns, found = _explain_rows(classifier, rows, bunch, methods, random_state)
        table.loc[rows.index, list(columns)] = pd.DataFrame(columns, index=rows.index)
        for name, values in found.items():
            maps[name][rows.index] = values
    return table, maps


def _explain_rows(
    classifier: BaseImageClassifier,
    rows: pd.DataFrame,
    bunch: Bunch,
    methods: Sequence[str],
    random_state: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the columns and the maps of one model's samples."""
    from cifar_sk.interpret import attribution_maps, logits

    names = {name: label for label, name in enumerate(bunch.target_names)}
    images = bunch.images[rows["sample"]]
    labels = rows["explained"].map(names).to_numpy()
    found = attribution_maps(
        classifier, images, labels, methods=methods, random_state=random_state
    )
    positions = np.searchsorted(classifier.classes_, labels)
    # Black images are the baseline of integrated gradients.
    both = logits(classifier, np.concatenate([images, images * 0]))
    logit, black = both.reshape(2, len(images), -1)[:, np.arange(len(images)), positions]
    columns = {"logit": logit}
    if "integrated_gradients" in found:
        total = found["integrated_gradients"].sum(axis=(1, 2))
        columns["completeness_error"] = total - (logit - black)
    return columns, found


def write_explanation(
    predictions: Predictions,
    chosen: dict[str, pd.DataFrame],
    folder: Path,
    methods: Sequence[str] | None,
    explained: str,
    random_state: int,
    tell: Callable[[str], None],
) -> list[str]:
    """Write ``explained.csv`` and the figures into a folder; return their names."""
    from cifar_sk.runs.files import csv_bytes, write_files

    first_fold = int(next(iter(chosen.values()))["fold"].iloc[0])
    classifier = predictions.load(first_fold)
    methods = methods or applicable(classifier)
    contents: dict[str, bytes] = {}
    of_samples = [name for name in methods if name in MAPS]
    if of_samples:
        for name, rows in chosen.items():
            tell(f"explaining {len(rows)} {_HEADINGS[name]}")
        rows = pd.concat([rows.assign(figure=name) for name, rows in chosen.items()])
        # All at once, for every model compiles every method.
        table, maps = explain_samples(
            predictions, rows, of_samples, explained=explained, random_state=random_state
        )
        contents |= _sample_figures(predictions, table, maps)
        table["figure"] += ".png"
        contents["explained.csv"] = csv_bytes(table)
    of = "" if first_fold < 0 else f"{predictions.name}, model of fold {first_fold}\n"
    for name, display in draw_model(classifier, predictions.bunch, methods, random_state).items():
        display.title = of + display.title
        contents[f"{name}.png"] = _png(display.plot())
    write_files(folder, contents, known=FILES)
    return list(contents)


def _sample_figures(
    predictions: Predictions, table: pd.DataFrame, maps: dict[str, np.ndarray]
) -> dict[str, bytes]:
    from cifar_sk.displays.attribution_displays import AttributionDisplay

    contents = {}
    for name in table["figure"].unique():
        own = table["figure"] == name
        display = AttributionDisplay(
            table[own],
            predictions.bunch.images[table.loc[own, "sample"]],
            {method: values[own] for method, values in maps.items()},
            title=f"{predictions.name}: {_HEADINGS[name]}",
        )
        contents[f"{name}.png"] = _png(display.plot())
    return contents


def applicable(classifier: BaseImageClassifier) -> list[str]:
    """Return all methods that a classifier's network allows."""
    from cifar_sk.interpret import applicable_methods, first_layer_filters

    try:
        first_layer_filters(classifier)
    except InputError:  # no images to draw
        return [*applicable_methods(classifier), "maximisation"]
    return [*applicable_methods(classifier), *OF_THE_MODEL]


def _png(display: Any) -> bytes:
    from cifar_sk.reports.run.figures import finish

    return finish("explanation", display.figure_, "", "").png


def draw_model(
    classifier: BaseImageClassifier, bunch: Bunch, kinds: Sequence[str], random_state: int
) -> dict[str, Any]:
    """Draw what belongs to a model and to no sample: displays by file name."""
    from cifar_sk.displays.interpret_displays import FilterDisplay, MaximisationDisplay
    from cifar_sk.interpret import hidden_layer

    displays: dict[str, Any] = {}
    if "filters" in kinds:
        displays["filters"] = FilterDisplay.from_estimator(classifier)
    if "maximisation" in kinds:
        names = [bunch.target_names[label] for label in classifier.classes_]
        displays["class_maxima"] = MaximisationDisplay.from_estimator(
            classifier, class_names=names, random_state=random_state
        )
        hidden = hidden_layer(classifier)
        if hidden is not None:
            layer, n_filters = hidden
            displays["filter_maxima"] = MaximisationDisplay.from_layer(
                classifier, layer, range(min(n_filters, _SHOWN_FILTERS)), random_state=random_state
            )
    return displays
