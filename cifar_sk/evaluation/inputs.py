"""What goes into the fold loop, checked before the first fold: samples, labels, fit parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.utils import indexable
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import _num_samples

from cifar_sk.datasets.labels import check_class_names
from cifar_sk.errors import InputError

__all__ = [
    "as_holdout",
    "as_labels",
    "as_params",
    "as_samples",
    "check_arguments",
    "routed_fit_params",
]

_WEIGHT = "sample_weight"


def as_samples(X: Any, name: str = "X") -> Any:
    """Return samples so that scikit-learn's indexing can take folds of them."""
    try:
        (samples,) = indexable(X)  # sparse matrices become CSR; most others stay as they are
        is_empty = not _num_samples(samples)
        if not is_empty:
            _safe_indexing(samples, np.array([0]))
    except Exception as error:  # whatever a foreign container raises
        raise InputError(
            f"{name} must hold samples by position, as an array, a DataFrame, a sparse matrix or "
            f"a list does; got {type(X).__name__} ({error}): pass numpy.asarray({name})."
        ) from error
    if is_empty:
        raise InputError(f"{name} has no samples.")
    return samples


def as_labels(y: Any, name: str = "y") -> np.ndarray:
    """Return labels as an array, one for each sample."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:  # a table of one column
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InputError(
            f"{name} must hold one label for each sample, got {type(y).__name__} of shape "
            f"{np.shape(y)}; of one-hot rows pass {name}.argmax(axis=1)."
        )
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
        raise InputError(
            f"{name} must hold classes, got numbers that are not whole, or NaN; "
            f"drop samples without a label, and name the classes."
        )
    if labels.dtype.kind in "OU":
        _check_objects(labels, np.asarray(y, dtype=object).ravel(), name)
    return labels


def _check_objects(labels: np.ndarray, given: np.ndarray, name: str) -> None:
    from pandas import isna

    missing = np.flatnonzero(isna(given))  # of a list, NumPy would make NaN the text "nan"
    if missing.size:
        raise InputError(f"{name} has no label for sample {missing[0]}; drop such samples.")
    try:
        np.unique(labels)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise InputError(
            f"{name} must hold labels of one kind, got {kinds}; make them text, as in "
            f"[str(label) for label in {name}]."
        ) from error


def as_holdout(holdout: Any) -> tuple[Any, np.ndarray] | None:
    """Return the official test split's samples and labels in the form of the others."""
    if holdout is None:
        return None
    if not isinstance(holdout, tuple | list) or len(holdout) != 2:
        raise InputError(f"holdout must be a pair (X, y), got {type(holdout).__name__}.")
    X, y = as_samples(holdout[0], "holdout X"), as_labels(holdout[1], "holdout y")
    if _num_samples(X) != len(y):
        raise InputError(f"The test split has {_num_samples(X)} samples, but {len(y)} labels.")
    return X, y


def check_arguments(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    class_names: Sequence[str] | None,
    classes: np.ndarray,
    holdout: tuple[Any, np.ndarray] | None,
    scoring: Any,
) -> None:
    """Refuse what does not fit together, before anything is computed."""
    if not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"{type(estimator).__name__} has no predict_proba, which the metrics need; "
            f"wrap it in CalibratedClassifierCV."
        )
    if scoring is not None:
        raise InputError(
            f"scoring={scoring!r} is not used: cifar_sk.metrics.fold_metrics scores the result by "
            f"every metric; add one by METRICS.register('name')."
        )
    if _num_samples(X) != len(y):
        raise InputError(f"X has {_num_samples(X)} samples, but y has {len(y)}.")
    if class_names is not None and len(class_names) != len(classes):
        raise InputError(f"There are {len(class_names)} class names for {len(classes)} classes.")
    check_class_names(classes if class_names is None else class_names, "class_names")
    if holdout is not None and not np.isin(holdout[1], classes).all():
        raise InputError("The test split has classes that the training data does not have.")


def as_params(params: Any) -> dict[str, Any]:
    """Return what ``fit`` is given beside X and y by its names."""
    if not isinstance(params or {}, Mapping):
        raise InputError(
            f"params must map names to what fit is given, as in {{'sample_weight': w}}; "
            f"got {type(params).__name__}."
        )
    return dict(params or {})


def routed_fit_params(
    estimator: Any, params: Mapping[str, Any] | None, n_samples: int
) -> dict[str, Any]:
    """Return what ``fit`` is given beside X and y, routed as by scikit-learn."""
    params = as_params(params)
    for name, value in params.items():
        if value is not None and name.rpartition("__")[2] == _WEIGHT:
            _check_weight(name, value, n_samples)
    if not params or not get_config()["enable_metadata_routing"]:
        return params
    fit = MethodMapping().add(caller="fit", callee="fit")
    router = MetadataRouter("cross_validate_oof").add(estimator=estimator, method_mapping=fit)
    try:
        return dict(process_routing(router, "fit", **params).estimator.fit)
    except (UnsetMetadataPassedError, TypeError, ValueError) as error:
        raise InputError(f"params cannot be routed: {' '.join(str(error).split())}") from error


def _check_weight(name: str, value: Any, n_samples: int) -> None:
    try:
        weight = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must hold numbers ({error}).") from error
    if weight.shape != (n_samples,):
        raise InputError(
            f"{name} must hold a number for each of the {n_samples} samples, got the shape "
            f"{weight.shape}."
        )
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise InputError(
            f"{name} must hold finite numbers from 0 on that are not all 0, got "
            f"{weight.min():g} to {weight.max():g}; a weight of 0 leaves a sample out."
        )
