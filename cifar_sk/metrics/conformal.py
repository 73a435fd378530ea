"""Conformal sets: for every image a set of classes that holds the true one as often as asked.

Nothing is drawn at random: the same probabilities give the same sets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import read_json, validate
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.conformal_scores import (
    K_REG,
    METHODS,
    PENALTY,
    check_method,
    classes_within,
    conformal_threshold,
    conformity_scores,
)

__all__ = [
    "CONFIDENCES",
    "CONFORMAL_FILE",
    "ConformalSets",
    "TrueScores",
    "conformal_json",
    "conformal_sets",
    "threshold_of_folds",
]

CONFIDENCES = (0.9, 0.95)  # of the table and of the file
CONFORMAL_FILE = "conformal.json"
_REMEDY = "write it again with cifar-sk report"


@dataclass(frozen=True)
class ConformalSets:
    """A threshold that turns probabilities into sets of classes.

    Attributes
    ----------
    method : {"lac", "aps", "raps"}
        The score, see `conformity_scores`.
    confidence : float
        Share of sets that are to hold the true class.
    threshold : float
        A set holds the classes whose score is at most this; infinity for all classes.
    class_names : tuple of str
        Of the columns of probabilities.
    n_samples : int
        Number of images that the threshold rests on.
    k_reg, penalty : int and float
        Of RAPS, see `conformity_scores`.

    Examples
    --------
    >>> sets = ConformalSets("lac", 0.9, 0.75, ("cat", "dog", "emu"), n_samples=100)
    >>> sets.predict_sets([[0.6, 0.3, 0.1]]).tolist()
    [[True, True, False]]
    """

    method: str
    confidence: float
    threshold: float
    class_names: tuple[str, ...]
    n_samples: int
    k_reg: int = K_REG
    penalty: float = PENALTY

    @classmethod
    def from_oof(
        cls,
        result: OOFResult,
        *,
        method: str = "lac",
        confidence: float = 0.9,
        k_reg: int = K_REG,
        penalty: float = PENALTY,
    ) -> Self:
        """Take the threshold from all out-of-fold predictions of a run.

        Parameters
        ----------
        result : OOFResult
            What the fold loop returned. Every pass counts by itself: the scores are those of
            single models, and not of their mean.
        method, confidence, k_reg, penalty
            See the attributes.

        Returns
        -------
        ConformalSets
            For a model that is fitted as the models of the folds were.

        Raises
        ------
        InputError
            If no fold has predictions, or a parameter is out of range.

        Notes
        -----
        Comparing a new image with each fold's scores under that fold's model (CV+) covers at
        least 1 - 2α in theory and about 1 - α in practice, for α = 1 - `confidence`; see Barber,
        Candès, Ramdas and Tibshirani (2021), https://doi.org/10.1214/20-AOS1965, and Romano,
        Sesia and Candès (2020). One threshold for one model, as here, covers about 1 - α where
        models of different folds are alike; `conformal_table` measures it. Images are taken to
        be exchangeable, or groups to be where the run has groups.
        """
        n_samples = int((result.pooled().n_predictions > 0).sum())
        parts = []
        for fold in result.scored:
            proba = np.asarray(fold.proba)
            scores = conformity_scores(proba, method, k_reg=k_reg, penalty=penalty)
            parts.append(TrueScores.of(result, fold, scores))
        threshold = threshold_of_folds(parts, confidence)
        return cls(method, confidence, threshold, result.class_names, n_samples, k_reg, penalty)

    @classmethod
    def load(cls, run: str | Path, *, method: str = "lac", confidence: float = 0.9) -> Self:
        """Read a threshold that a run's report wrote into ``conformal.json``.

        Parameters
        ----------
        run : str or Path
            The run folder.
        method, confidence
            Which; 0.9 and 0.95 are written for every method.

        Returns
        -------
        ConformalSets

        Raises
        ------
        InputError
            If there is no such file, it is damaged, or it holds no such threshold.
        """
        check_method(method)
        file = Path(run) / CONFORMAL_FILE
        said = validate(_File, read_json(file, _REMEDY), file, _REMEDY)
        for entry in said.sets:
            if entry.method == method and math.isclose(entry.confidence, confidence):
                threshold = math.inf if entry.threshold is None else entry.threshold
                found = entry.model_dump() | {"threshold": threshold}
                return cls(class_names=tuple(said.class_names), n_samples=said.n_samples, **found)
        raise InputError(
            f"{file} holds no threshold of {method!r} for the confidence {confidence}; make it "
            "with ConformalSets.from_oof(read_run(run).result, ...)."
        )

    def predict_sets(self, proba: ArrayLike) -> np.ndarray:
        """Return for each sample which classes are in its set.

        Parameters
        ----------
        proba : array-like of shape (n_samples, n_classes)
            A classifier's probabilities, columns in the order of `class_names`.

        Returns
        -------
        ndarray of bool, shape (n_samples, n_classes)
            Sets of APS and RAPS always hold the most probable class. A set of LAC is empty where
            no class is probable enough.

        Raises
        ------
        InputError
            If `proba` holds no probabilities, or of another number of classes.
        """
        scores = conformity_scores(proba, self.method, k_reg=self.k_reg, penalty=self.penalty)
        if scores.shape[1] != len(self.class_names):
            raise InputError(
                f"proba must have a column for each of {len(self.class_names)} classes, got "
                f"{scores.shape[1]}; pass the probabilities of a model of this run's classes"
            )
        return classes_within(scores, self.threshold)


def conformal_sets(
    model: Any, X: Any, run: str | Path, *, method: str = "lac", confidence: float = 0.9
) -> np.ndarray:
    """Predict sets of classes by a fitted classifier and the thresholds of its run.

    Parameters
    ----------
    model : classifier
        Fitted, with ``predict_proba``; built as the models of the run were.
    X : array-like
        Samples, as the classifier takes them.
    run : str or Path
        The run folder, whose report wrote ``conformal.json``.
    method : {"lac", "aps", "raps"}, default="lac"
        See `conformity_scores`.
    confidence : float, default=0.9
        0.9 or 0.95; `ConformalSets.from_oof` makes any other.

    Returns
    -------
    ndarray of bool, shape (n_samples, n_classes)
        Which classes are in the set of each sample.

    Raises
    ------
    InputError
        If the run has no such threshold, or the model has no probabilities or other classes.
    """
    if not hasattr(model, "predict_proba"):
        raise InputError(
            f"model must have predict_proba, got {type(model).__name__}; pass a classifier that "
            "predicts probabilities"
        )
    sets = ConformalSets.load(run, method=method, confidence=confidence)
    return sets.predict_sets(model.predict_proba(X))


class TrueScores(NamedTuple):
    """The scores of the true classes in one fold."""

    unit: np.ndarray  # (n_test,): the group of each sample, or the sample
    score: np.ndarray  # (n_test,)

    @classmethod
    def of(cls, result: OOFResult, fold: FoldResult, scores: np.ndarray) -> Self:
        """Choose the true classes' of the scores (n_test, n_classes) of a fold."""
        test = fold.test_index
        unit = test if result.groups is None else result.groups[test]
        return cls(unit, scores[np.arange(len(test)), result.target[test]])


def threshold_of_folds(parts: Sequence[TrueScores], confidence: float) -> float:
    """Return the threshold of some folds' scores, in which a group counts as one unit."""
    n_units = len(np.unique(np.concatenate([part.unit for part in parts])))
    scores = np.concatenate([part.score for part in parts])
    return conformal_threshold(scores, confidence, n_units=n_units)


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


class _Entry(_Part):
    method: str
    confidence: float
    threshold: float | None  # None for infinity, which JSON does not know
    k_reg: int
    penalty: float


class _File(_Part):
    class_names: list[str]
    n_samples: int
    sets: list[_Entry]


def conformal_json(result: OOFResult) -> str:
    """Write thresholds of every method for new images as JSON, as `ConformalSets.load` reads."""
    chosen = product(METHODS, CONFIDENCES)
    found = [ConformalSets.from_oof(result, method=m, confidence=c) for m, c in chosen]
    entries = [
        _Entry(
            method=sets.method,
            confidence=sets.confidence,
            threshold=sets.threshold if math.isfinite(sets.threshold) else None,
            k_reg=sets.k_reg,
            penalty=sets.penalty,
        )
        for sets in found
    ]
    names = list(result.class_names)
    file = _File(class_names=names, n_samples=found[0].n_samples, sets=entries)
    return json.dumps(file.model_dump(), indent=1, ensure_ascii=False) + "\n"
