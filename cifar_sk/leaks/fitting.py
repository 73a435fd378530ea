"""Fits of an audit: clones on a part of a fold, repeatable, and with changed labels or samples."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.validation import _check_method_params

from cifar_sk.errors import InputError, reason
from cifar_sk.folds.splits import Split
from cifar_sk.folds.steps import seeded_clone
from cifar_sk.leaks.subject import Subject

__all__ = ["Probe", "check_fits", "probe_of"]

_MOST_TRAINING = 2_000
_MOST_SCORED = 400


@dataclass(frozen=True)
class Probe:
    """Fits of a subject's estimator on parts of two folds, in a fixed order.

    The first fold's model is fitted, then the second fold's, then the first's again: what folds
    share shows in the difference. Only then are labels changed.
    """

    subject: Subject

    @cached_property
    def fold(self) -> Split:
        """A part of the first fold."""
        return self._part(self.subject.splits[0])

    @cached_property
    def first_model(self) -> Any:
        """A model of the fold, before any other was fitted."""
        return self.fit(self.fold)

    @cached_property
    def first(self) -> np.ndarray:
        """Its probabilities for the scored samples."""
        return self.predict(self.first_model)

    @cached_property
    def model_again(self) -> Any:
        """A model of the fold, after that of another fold was fitted."""
        _ = self.first
        if len(self.subject.splits) > 1:
            self.fit(self._part(self.subject.splits[1]))
        return self.fit(self.fold)

    @cached_property
    def model_once_more(self) -> Any:
        """A model of the fold directly after that."""
        _ = self.model_again
        return self.fit(self.fold)

    @cached_property
    def relabelled(self) -> np.ndarray:
        """The same where each class of the training samples was called by the next one's name."""
        _ = self.model_again
        classes = np.unique(self.subject.y)
        y = classes[(self.subject.codes + 1) % len(classes)]
        return self.predict(self.fit(self.fold, y))

    def take(self, part: np.ndarray | slice) -> Any:
        """Copy some of the scored samples, by their positions among these."""
        return _safe_indexing(self.subject.X, self.fold.test[part])

    @cached_property
    def wild(self) -> Any:
        """Samples unlike those trained on, where models that differ a little differ much."""
        X = self.subject.X
        if not isinstance(X, np.ndarray) or X.dtype.kind not in "iuf":
            return self.take(slice(None))
        generator = np.random.default_rng(0)
        some = X[:1_000]
        shape = (100, *X.shape[1:])
        if X.dtype.kind in "iu":
            return generator.integers(some.min(), int(some.max()) + 1, shape).astype(X.dtype)
        return generator.normal(0, np.nanmax(np.abs(some)), shape).astype(X.dtype)

    def fit(self, fold: Split, y: np.ndarray | None = None) -> Any:
        """Fit a clone on a fold."""
        subject = self.subject
        X = _safe_indexing(subject.X, fold.train)
        labels = (subject.y if y is None else y)[fold.train]
        with _repeatable():
            estimator = seeded_clone(subject.estimator, subject.random_state, fold.index)
            params = _check_method_params(subject.X, subject.fit_params, fold.train)
            return estimator.fit(X, labels, **params)

    def predict(self, model: Any, X: Any = None, seed: int = 0) -> np.ndarray:
        """Predict probabilities, of the scored samples by default, a column per class."""
        with _repeatable(seed):
            given = np.asarray(model.predict_proba(self.take(slice(None)) if X is None else X))
        classes = np.unique(self.subject.y)
        proba = np.zeros((len(given), len(classes)))
        proba[:, np.searchsorted(classes, model.classes_)] = given
        return proba

    def _part(self, split: Split) -> Split:
        """Take some of a fold's samples, all classes among them."""
        generator = np.random.default_rng(0)
        train, test = np.asarray(split.train), np.asarray(split.test)
        if len(train) > _MOST_TRAINING:
            some = generator.choice(train, _MOST_TRAINING, replace=False)
            labels = self.subject.y[train]
            few = [train[labels == label][:2] for label in np.unique(labels)]
            train = np.unique(np.concatenate([some, *few]))
        if len(test) > _MOST_SCORED:
            test = np.sort(generator.choice(test, _MOST_SCORED, replace=False))
        return Split(split.index, split.repeat, split.fold, train, test)


def probe_of(subject: Subject) -> Probe:
    """Return the fits of a subject, which its rules share."""
    probe: Probe = subject.shared.setdefault("probe", Probe(subject))
    return probe


@contextmanager
def _repeatable(seed: int = 0) -> Iterator[None]:
    """Set the global generators, which estimators may draw from, and put them back."""
    states = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        random.setstate(states[1])


def check_fits(probe: Probe) -> None:
    """Raise an `InputError` if the estimator cannot be fitted and predict at all."""
    try:
        _ = probe.first
    except InputError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise InputError(
            f"{type(probe.subject.estimator).__name__} cannot be fitted on a fold ({kind}: "
            f"{reason(error)}); evaluate it by cross_validate_oof first."
        ) from error
