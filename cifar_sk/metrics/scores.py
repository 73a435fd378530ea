"""The metrics that predicted probabilities are scored by, each by the name of its column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn import metrics as skm

from cifar_sk.errors import InputError
from cifar_sk.registry import Registry, own_code

__all__ = [
    "METRICS",
    "N_CALIBRATION_BINS",
    "Metric",
    "calibration_bins",
    "calibration_error",
    "check_classes",
    "check_probabilities",
    "in_top_3",
    "metrics_for",
    "score_predictions",
]

N_CALIBRATION_BINS = 15  # the number of bins in Guo et al. (2017)


@dataclass(frozen=True)
class _Predictions:
    """Checked predictions: classes are columns of `proba`, whose rows sum to 1."""

    target: np.ndarray
    proba: np.ndarray

    @cached_property
    def predicted(self) -> np.ndarray:
        return self.proba.argmax(axis=1)

    @cached_property
    def labels(self) -> np.ndarray:
        return np.arange(self.proba.shape[1])

    @cached_property
    def present(self) -> np.ndarray:
        return np.unique(self.target)


@dataclass(frozen=True)
class Metric:
    """A score of checked predictions, what tables call it, and which way it points.

    Data sets with fewer than `min_classes` classes have no such score. `bounds` are its lowest
    and its highest value.
    """

    label: str
    score: Callable[[_Predictions], float]
    greater_is_better: bool = True
    min_classes: int = 2
    bounds: tuple[float, float] = (-np.inf, np.inf)

    def value(self, target: ArrayLike, proba: ArrayLike) -> float:
        """Check predictions and score them."""
        return float(self.score(_check(target, proba)))


_COLUMNS = frozenset(
    {
        *("row", "repeat", "seed", "fold", "n_train", "n_test", "n_epochs"),
        *("n_parameters", "fit_time", "score_time", "error", "basis"),
        *("number", "state", "n_folds_finished", "is_default"),  # of a study's trials
    }
)


def _as_column(name: str, value: Any) -> Any:
    """Refuse a metric whose column would stand for something else in a table."""
    if not isinstance(name, str) or name in _COLUMNS or name.startswith("test_split_"):
        raise InputError(
            f"A metric cannot be called {name!r}, which is a column of another meaning; "
            "register it under another name."
        )
    return value


class _Metrics(Registry[Metric]):
    """Metrics by column name, where a plain function of targets and probabilities is one too."""

    def register(self, name: str) -> Callable[[Any], Any]:
        """Return a decorator that registers a metric; an `InputError` if the name is taken."""
        _as_column(name, None)
        return super().register(name)

    def __getitem__(self, name: str) -> Metric:
        found: Any = super().__getitem__(name)
        return found if isinstance(found, Metric) else _as_metric(name, found)


def _as_metric(name: str, function: Callable[..., float]) -> Metric:
    def score(p: _Predictions) -> float:
        with own_code("metric", name):
            value = function(p.target, p.proba)
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The metric {name!r} must return a number, got {type(value).__name__}."
            ) from error

    return Metric(
        getattr(function, "label", name),
        score,
        getattr(function, "greater_is_better", True),
        getattr(function, "min_classes", 2),
        getattr(function, "bounds", (-np.inf, np.inf)),
    )


def _balanced_accuracy(p: _Predictions) -> float:
    # balanced_accuracy_score warns where a predicted class is absent from the target; this is
    # its definition without the warning.
    return skm.recall_score(p.target, p.predicted, labels=p.present, average="macro")


def in_top_3(target: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Say of each sample whether its class is among the three most probable ones."""
    # Ties go to the first classes, as argmax breaks them. skm.top_k_accuracy_score gives them to
    # the last ones, and so may be below the accuracy.
    top = np.argsort(-proba, axis=1, kind="stable")[:, :3]
    is_in: np.ndarray = (top == target[:, None]).any(axis=1)
    return is_in


def _top_3_accuracy(p: _Predictions) -> float:
    return float(in_top_3(p.target, p.proba).mean())


def _averaged(score: Callable[..., float], average: str) -> Callable[[_Predictions], float]:
    options = {"average": average, "zero_division": 0}
    return lambda p: score(p.target, p.predicted, labels=p.labels, **options)


def _mcc(p: _Predictions) -> float:
    if np.union1d(p.present, p.predicted).size == 1:
        return 0.0  # scikit-learn's own value, which it accompanies with a warning
    return skm.matthews_corrcoef(p.target, p.predicted)


def _cohen_kappa(p: _Predictions) -> float:
    if np.union1d(p.present, p.predicted).size == 1:
        return np.nan  # 0 / 0: agreement by chance is certain
    return skm.cohen_kappa_score(p.target, p.predicted, labels=p.labels)


def _roc_auc(p: _Predictions) -> float:
    if p.present.size < p.labels.size:
        return np.nan  # a class without samples has no ROC curve
    if p.labels.size == 2:
        return skm.roc_auc_score(p.target, p.proba[:, 1])
    return skm.roc_auc_score(p.target, p.proba, multi_class="ovr", labels=p.labels)


def _log_loss(p: _Predictions) -> float:
    return skm.log_loss(p.target, p.proba, labels=p.labels)


def _brier_score(p: _Predictions) -> float:
    return skm.brier_score_loss(p.target, p.proba, labels=p.labels)


def _expected_calibration_error(p: _Predictions) -> float:
    return calibration_error(_bin_by_confidence(p, N_CALIBRATION_BINS))


def calibration_error(bins: pd.DataFrame) -> float:
    """Mean absolute gap of `calibration_bins`, weighted by samples."""
    weight = bins["n_samples"] / bins["n_samples"].sum()
    return (weight * bins["gap"].abs()).sum()  # empty bins have weight 0 and gap NaN


METRICS = _Metrics("metric", _as_column)
"""Every metric by its column name, in the order of the columns.

A metric of your own is a function ``score(target, proba)`` that returns a number. `target` are
true classes as columns of `proba`, int64 (n_samples,); `proba` has shape (n_samples, n_classes),
float64 from 0 to 1, rows that sum to 1. It may have the attributes ``greater_is_better`` (True),
``label`` (what tables call it), ``min_classes`` (2: data sets with fewer classes are not
scored by it) and ``bounds`` (its lowest and highest value, which intervals then keep to).
Decorate it with ``@METRICS.register("name")``, name it in an entry point of the
group ``cifar_sk.metrics``, or on a command line: ``--metric mypkg.scores:score``.
"""

# The others are shares, from 0 to 1.
_BOUNDS = {
    "mcc": (-1, 1),
    "cohen_kappa": (-1, 1),
    "log_loss": (0, np.inf),
    "brier_score": (0, 2),  # and to 1 with two classes
}

for _name, _metric in {
    "accuracy": Metric("accuracy", lambda p: skm.accuracy_score(p.target, p.predicted)),
    "balanced_accuracy": Metric("balanced accuracy", _balanced_accuracy),
    "top_3_accuracy": Metric("top-3 accuracy", _top_3_accuracy, min_classes=4),
    "precision_macro": Metric("precision, macro", _averaged(skm.precision_score, "macro")),
    "recall_macro": Metric("recall, macro", _averaged(skm.recall_score, "macro")),
    "f1_macro": Metric("F1, macro", _averaged(skm.f1_score, "macro")),
    "precision_weighted": Metric(
        "precision, weighted", _averaged(skm.precision_score, "weighted")
    ),
    "recall_weighted": Metric("recall, weighted", _averaged(skm.recall_score, "weighted")),
    "f1_weighted": Metric("F1, weighted", _averaged(skm.f1_score, "weighted")),
    "mcc": Metric("Matthews correlation", _mcc),
    "cohen_kappa": Metric("Cohen's kappa", _cohen_kappa),
    "roc_auc": Metric("ROC AUC, one-vs-rest", _roc_auc),
    "log_loss": Metric("log loss", _log_loss, greater_is_better=False),
    "brier_score": Metric("Brier score", _brier_score, greater_is_better=False),
    "expected_calibration_error": Metric(
        "expected calibration error", _expected_calibration_error, greater_is_better=False
    ),
}.items():
    METRICS.register(_name)(replace(_metric, bounds=_BOUNDS.get(_name, (0, 1))))


def metrics_for(n_classes: int) -> dict[str, Metric]:
    """Return the metrics that are defined for so many classes."""
    return {name: metric for name, metric in METRICS.items() if n_classes >= metric.min_classes}


def score_predictions(target: ArrayLike, proba: ArrayLike) -> dict[str, float]:
    r"""Score predicted class probabilities by every metric in `METRICS`.

    Parameters
    ----------
    target : array-like of int, shape (n_samples,)
        True classes, as columns of `proba`.
    proba : array-like of float, shape (n_samples, n_classes)
        Class probabilities in [0, 1]; rows sum to 1. The class with the highest one is the
        prediction.

    Returns
    -------
    dict of str to float
        A score per metric. ``top_3_accuracy`` is there from four classes on: with fewer it is 1
        whatever the model.

    Raises
    ------
    InputError
        If the shapes do not match, a target is no column of `proba`, or rows are no
        probabilities.

    Notes
    -----
    Scikit-learn's functions, given all classes explicitly, so that a fold without samples of a
    class gives no warning:

    - of equal probabilities the class that comes first is the higher one, in predictions as in
      ``top_3_accuracy``, which so is never below ``accuracy``
      (`sklearn.metrics.top_k_accuracy_score` takes the last one first);
    - macro and weighted precision, recall and F1 count 0 for 0 / 0; ``balanced_accuracy`` is the
      mean recall over the classes *present* in `target`, ``recall_macro`` the one over all;
    - ``roc_auc`` is one-vs-rest, averaged over classes with equal weight (with two classes, the
      usual area). It is NaN where a class has no samples, or all of them: that class has no ROC
      curve, and a mean over fewer classes would not be comparable between folds;
    - ``mcc`` is 0 and ``cohen_kappa`` NaN where truth and prediction hold one single class;
    - ``brier_score`` is the mean over samples of :math:`\sum_c (p_c - y_c)^2`, from 0 to 2 [1]_;
      with two classes half of it, from 0 to 1, as scikit-learn scales it by default;
    - ``expected_calibration_error`` is the mean gap between confidence and accuracy in 15 bins
      of equal width of the top-label confidence, weighted by samples [2]_ [3]_.

    Rows are divided by their sum first: those of a float32 softmax miss 1 by about 1e-7.

    References
    ----------
    .. [1] Brier, G. W. (1950). Verification of forecasts expressed in terms of probability.
       Monthly Weather Review 78. https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    .. [2] Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015). Obtaining well calibrated
       probabilities using Bayesian binning. AAAI. https://doi.org/10.1609/aaai.v29i1.9602
    .. [3] Guo, C. et al. (2017). On calibration of modern neural networks. ICML.
       https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> scores = score_predictions([0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    >>> round(scores["accuracy"], 3), round(scores["roc_auc"], 3)
    (0.667, 1.0)
    """
    predictions = _check(target, proba)
    metrics = metrics_for(predictions.labels.size)
    return {name: float(metric.score(predictions)) for name, metric in metrics.items()}


def calibration_bins(
    target: ArrayLike, proba: ArrayLike, *, n_bins: int = N_CALIBRATION_BINS
) -> pd.DataFrame:
    """Confidence against accuracy in bins of equal width of the top-label confidence.

    A row per bin, which holds its upper edge: ``lower``, ``upper``, ``n_samples``, mean
    ``confidence``, ``accuracy`` and ``gap`` (accuracy - confidence); NaN in an empty bin.
    """
    if n_bins < 1:
        raise InputError(f"n_bins must be at least 1, got {n_bins}; 15 is usual")
    return _bin_by_confidence(_check(target, proba), n_bins)


def _bin_by_confidence(p: _Predictions, n_bins: int) -> pd.DataFrame:
    edges = np.linspace(0, 1, n_bins + 1)
    confidence = p.proba.max(axis=1)
    bin_of = np.searchsorted(edges[1:-1], confidence)
    bins = pd.DataFrame({"lower": edges[:-1], "upper": edges[1:]})
    bins["n_samples"] = n_samples = np.bincount(bin_of, minlength=n_bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        bins["confidence"] = np.bincount(bin_of, confidence, n_bins) / n_samples
        bins["accuracy"] = np.bincount(bin_of, p.predicted == p.target, n_bins) / n_samples
    return bins.assign(gap=bins["accuracy"] - bins["confidence"])


def _check(target: ArrayLike, proba: ArrayLike) -> _Predictions:
    classes, rows = check_classes(target, proba)
    return _Predictions(classes, check_probabilities(rows))


def check_probabilities(proba: ArrayLike) -> np.ndarray:
    """Return probabilities of two classes or more as float64, rows summing to 1 exactly."""
    rows = np.asarray(proba, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2:
        found = rows.shape[1] if rows.ndim == 2 else f"the shape {rows.shape}"
        raise InputError(f"proba must have at least two columns, got {found}")
    total = rows.sum(axis=1, keepdims=True)
    if not (np.isfinite(rows).all() and (rows >= 0).all() and np.allclose(total, 1, atol=1e-3)):
        raise InputError(
            "proba must hold finite numbers from 0 to 1 whose rows sum to 1, got others; "
            "pass probabilities, not logits, and check that training did not diverge"
        )
    return rows / total


def check_classes(target: ArrayLike, proba: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, where each sample has a row and its class a column of `proba`."""
    classes, rows = np.asarray(target), np.asarray(proba, dtype=np.float64)
    if classes.ndim != 1 or rows.ndim != 2 or len(classes) != len(rows) or not len(rows):
        raise InputError(
            "target must have shape (n_samples,) and proba (n_samples, n_classes) with at least "
            f"one sample, got {classes.shape} and {rows.shape}"
        )
    # Labels as text, or from 1, would be scored as other classes.
    is_integer = np.issubdtype(classes.dtype, np.integer)
    if not is_integer or classes.min() < 0 or classes.max() >= rows.shape[1]:
        found = f"{classes.min()} to {classes.max()}" if is_integer else f"{classes.dtype}"
        raise InputError(
            f"target must hold integers from 0 to {rows.shape[1] - 1}, the columns of proba, "
            f"got {found}; encode the labels first"
        )
    return classes, rows
