"""What ``python -m cifar_sk.explain`` does: whose predictions, which samples, which files."""

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
    "Predictions",
    "choose_samples",
    "draw_model",
    "explain_samples",
    "model_predictions",
    "run_predictions",
]

_SHOWN_FILTERS = 16


@dataclass(frozen=True)
class Predictions:
    """Predictions that can be explained, and the models that made them.

    Attributes
    ----------
    table : DataFrame
        ``sample``, ``fold`` (−1 for a model of no run), ``true``, ``predicted``, ``confidence``
        (the predicted class's probability) and ``is_correct``, a row per sample.
    load : callable
        ``load(fold)`` returns the fitted classifier.
    name : str
        What figures call it.
    """

    table: pd.DataFrame
    load: Callable[[int], BaseImageClassifier]
    name: str


def run_predictions(run: FinishedRun, bunch: Bunch, fold: int | None = None) -> Predictions:
    """Return a run's out-of-fold predictions: each by the model that did not train on the sample.

    Parameters
    ----------
    run : FinishedRun
        With saved models.
    bunch : Bunch
        Its data set, as `cifar_sk.runs.reading.run_dataset` loads it.
    fold : int or None, default=None
        `FoldResult.index` of the fold to keep to; None for all folds of the first repeat.

    Returns
    -------
    Predictions

    Raises
    ------
    InputError
        If it has no such fold, or kept no models.
    """
    from cifar_sk.estimators.base import BaseImageClassifier

    folds = {f.index: f for f in run.result.scored if fold is not None or f.repeat == 0}
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

    return Predictions(pd.concat(tables, ignore_index=True), load, run.name)


def model_predictions(path: Path, bunch: Bunch) -> Predictions:
    """Let a saved classifier predict a data set.

    Parameters
    ----------
    path : Path
        The folder that ``save`` wrote.
    bunch : Bunch
        The data set; whether the classifier trained on it is not known.

    Returns
    -------
    Predictions

    Raises
    ------
    InputError
        If the folder is a fold of a run, holds no classifier, or one of other classes.
    """
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
    return Predictions(table, lambda _: classifier, path.resolve().name)


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
    """Choose what to explain.

    Parameters
    ----------
    table : DataFrame
        `Predictions.table`.
    samples : sequence of int or None
        These, in this order; None to choose by confidence.
    n : int
        How many right and how many wrong ones then, the most confident first.

    Returns
    -------
    dict of str to DataFrame
        Rows of the table, as "samples"; or as "correct" and "wrong", without those of which
        there are none.

    Raises
    ------
    InputError
        If a sample is not in the table.
    """
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
    bunch: Bunch,
    methods: Sequence[str],
    *,
    explained: str = "predicted",
    random_state: int = 0,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Explain each sample by its own fold's model.

    Parameters
    ----------
    predictions : Predictions
        Where `chosen` comes from.
    chosen : DataFrame
        Rows of its table.
    bunch : Bunch
        The data set.
    methods : sequence of str
        As for `cifar_sk.interpret.attribution_maps`.
    explained : {"predicted", "true"}, default="predicted"
        Which class's logit.
    random_state : int, default=0
        Seed of the noise of SmoothGrad.

    Returns
    -------
    table : DataFrame
        `chosen` with ``explained`` (the class) and ``logit``; with integrated gradients also
        ``completeness_error``: their sum, less the logit's difference from the baseline's.
    maps : dict of str to ndarray of float32, shape (n, h, w)
        By method.
    """
    from cifar_sk.interpret import attribution_maps, logits

    names = {name: label for label, name in enumerate(bunch.target_names)}
    chosen = chosen.reset_index(drop=True)
    table = chosen.assign(explained=chosen[explained], logit=np.nan)
    if "integrated_gradients" in methods:
        table["completeness_error"] = np.nan
    maps = {m: np.zeros((len(table), *bunch.images.shape[1:3]), np.float32) for m in methods}
    for fold in table["fold"].unique().tolist():
        rows = table[table["fold"] == fold]
        classifier = predictions.load(fold)
        _check_classes(classifier, bunch, f"The model of fold {fold}")
        images = bunch.images[rows["sample"]]
        labels = rows["explained"].map(names).to_numpy()
        found = attribution_maps(
            classifier, images, labels, methods=methods, random_state=random_state
        )
        for name, values in found.items():
            maps[name][rows.index] = values
        columns = np.searchsorted(classifier.classes_, labels)
        both = logits(classifier, np.concatenate([images, images * 0]))
        logit, black = both.reshape(2, len(images), -1)[:, np.arange(len(images)), columns]
        table.loc[rows.index, "logit"] = logit
        if "integrated_gradients" in found:
            total = found["integrated_gradients"].sum(axis=(1, 2))
            table.loc[rows.index, "completeness_error"] = total - (logit - black)
    return table, maps


def draw_model(
    classifier: BaseImageClassifier, bunch: Bunch, kinds: Sequence[str], random_state: int
) -> dict[str, Any]:
    """Draw what belongs to a model and no sample.

    Parameters
    ----------
    classifier : BaseImageClassifier
        Fitted.
    bunch : Bunch
        Its data set, for the names of the classes.
    kinds : sequence of str
        Of "filters" and "maximisation".
    random_state : int
        Seed of the images that the search starts from.

    Returns
    -------
    dict of str to display
        To be plotted, by file name without its ending.
    """
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
