"""Rules of clones: what folds share, and what arrives fitted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.reach import fitted_parts
from cifar_sk.leaks.subject import Subject

__all__ = ["already_fitted", "shared_by_clones"]


@leak_rule("shared_by_clones", in_runs=True)
def shared_by_clones(subject: Subject) -> Iterator[Leak]:
    """Find estimators that the clones of different folds share."""
    if subject.estimator is None:
        return
    shared = _shared_names(subject.estimator)
    if shared:
        what = ", ".join(f"{name} ({kind})" for name, kind in shared.items())
        yield Leak(
            f"a clone for a fold shares its state with the others: {what}",
            "give scikit-learn's clone something to copy, such as a factory instead of an object",
            {"shared": list(shared)},
        )


def _shared_names(estimator: Any) -> dict[str, str]:
    """Name the parameters that a clone has in common with its original, with their types."""
    copy = clone(estimator)
    if copy is estimator:
        return {"the estimator itself": type(estimator).__name__}
    before = estimator.get_params(deep=True)
    frozen = [name for name, value in before.items() if isinstance(value, FrozenEstimator)]
    return {
        name: type(value).__name__
        for name, value in copy.get_params(deep=True).items()
        if value is before.get(name)
        and hasattr(value, "fit")
        and not isinstance(value, type)
        # What is frozen is the same in every fold, and never fitted again.
        and not any(name == part or name.startswith(f"{part}__") for part in frozen)
    }


@leak_rule("already_fitted")
def already_fitted(subject: Subject) -> Iterator[Leak]:
    """Find models that keep what they were fitted on in clones, and were fitted on all samples."""
    if subject.estimator is None or subject.rows is None:
        return
    for part in fitted_parts(clone(subject.estimator)):
        inner = part.estimator if isinstance(part, FrozenEstimator) else part
        name = type(inner).__name__
        if _was_fitted_on(inner, subject):
            yield Leak(
                f"{name} arrives fitted, stays so in every fold, and gives exactly what a fit on "
                f"all samples gives",
                f"put an unfitted {name} into the pipeline, or fit it on other images",
                {"estimator": name},
            )


def _was_fitted_on(part: Any, subject: Subject) -> bool:
    """Fit again on all samples, and compare what both give."""
    candidates = [(subject.X, subject.y)]
    if subject.test_rows is not None:
        both = np.concatenate([np.asarray(subject.X), np.asarray(subject.test[0])])  # type: ignore[index]
        candidates.append((both, np.concatenate([subject.y, subject.test[1]])))  # type: ignore[index]
    some = subject.X[:100]
    with warnings.catch_warnings(action="ignore"):
        for X, y in candidates:
            try:
                again = clone(part).fit(X, y)
                ways = [way for way in ("transform", "predict_proba") if hasattr(part, way)]
                outputs = [(getattr(part, way)(some), getattr(again, way)(some)) for way in ways]
            except Exception:  # noqa: S112  (whatever a foreign model raises: it tells nothing)
                continue
            if outputs and all(_are_equal(*output) for output in outputs):
                return True
    return False


def _are_equal(first: Any, second: Any) -> bool:
    if hasattr(first, "toarray"):
        first, second = first.toarray(), second.toarray()
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=1e-4, atol=1e-7))
