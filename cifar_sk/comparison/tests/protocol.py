"""Statistical tests of two runs: what one is given, what it finds, and the registry of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.registry import Registry
from cifar_sk.statistics import Spread

__all__ = ["TESTS", "Finding", "FoldScores", "SampleOutcomes", "StatisticalTest", "all_tests"]


@dataclass(frozen=True)
class FoldScores:
    """The primary metric of two runs on the same folds.

    Attributes
    ----------
    first, second : ndarray of float64, shape (n_folds,)
        A score per fold of each run, over all repeats.
    test_train_ratio : float
        Samples scored over samples trained on in one fold: 1 / (k - 1) in k-fold
        cross-validation.
    rope : float
        Differences up to this count as practically none, in units of the metric.
    greater_is_better : bool
        Which way the metric points.
    """

    first: np.ndarray
    second: np.ndarray
    test_train_ratio: float
    rope: float = 0.01
    greater_is_better: bool = True


@dataclass(frozen=True)
class SampleOutcomes:
    """Which samples two runs get right in one repeat.

    Attributes
    ----------
    first, second : ndarray of bool, shape (n_samples,)
        Whether the run's out-of-fold prediction is the true class.
    groups : ndarray of int64, shape (n_samples,), or None
        The group of every sample, where samples of a group are not independent.
    """

    first: np.ndarray
    second: np.ndarray
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Finding:
    """What a test finds of two runs; NaN stands for what it does not give.

    Attributes
    ----------
    estimate, low, high : float
        The difference, second - first, and its 95 % interval, in units of the metric.
    statistic, p_value : float
        The test's statistic, and its two-sided p value.
    p_first, p_equivalent, p_second : float
        Posterior probabilities that the first run is better, that they are practically
        equivalent, and that the second is better.
    """

    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    statistic: float = np.nan
    p_value: float = np.nan
    p_first: float = np.nan
    p_equivalent: float = np.nan
    p_second: float = np.nan


class StatisticalTest(Protocol):
    """A test of two runs, which `TESTS` knows by a name.

    Attributes
    ----------
    title : str
        Its name in tables.
    question : str
        The question that it answers.
    needs : type
        `FoldScores` for a test over folds, which is asked once for each pair of runs;
        `SampleOutcomes` for one over samples, which is asked in each repeat on its own; or
        `cifar_sk.statistics.Spread` for one of what the difference, second - first, of the
        primary metric varies with, which is asked once for each pair.

    Examples
    --------
    >>> class SignTest:
    ...     title = "Sign test"
    ...     question = "Is one run better in more folds than chance would have it?"
    ...     needs = FoldScores
    ...
    ...     def __call__(self, scores: FoldScores) -> Finding:
    ...         from scipy.stats import binomtest
    ...
    ...         n_better = int((scores.second > scores.first).sum())
    ...         return Finding(p_value=float(binomtest(n_better, len(scores.first)).pvalue))
    >>> SignTest()(FoldScores(np.zeros(4), np.ones(4), test_train_ratio=1 / 3)).p_value
    0.125
    """

    title: str
    question: str
    needs: type[FoldScores] | type[SampleOutcomes] | type[Spread]

    def __call__(self, given: Any, /) -> Finding:
        """Test two runs on what `needs` names."""


TESTS: Registry[Any] = Registry("test")


def all_tests() -> dict[str, StatisticalTest]:
    """Return every registered test by its name; classes are made instances."""
    return {name: _checked(name, TESTS[name]) for name in TESTS}


def _checked(name: str, value: Any) -> StatisticalTest:
    test = value() if isinstance(value, type) else value
    is_named = isinstance(getattr(test, "title", None), str)
    if not (is_named and callable(test) and isinstance(getattr(test, "question", None), str)):
        raise InputError(
            f"The test {name!r} must have a title and a question, and be callable, got {value!r}."
        )
    if getattr(test, "needs", None) not in {FoldScores, SampleOutcomes, Spread}:
        raise InputError(f"The test {name!r} must need FoldScores or SampleOutcomes, or a Spread.")
    return test
