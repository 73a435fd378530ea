"""The leak alarm: all rules over a pipeline, its samples and its folds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import indexable

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import as_splits
from cifar_sk.leaks.findings import RULES, Finding, LeakWarning
from cifar_sk.leaks.fitting import check_fits, probe_of
from cifar_sk.leaks.subject import Subject

if TYPE_CHECKING:
    from cifar_sk.folds.evaluation import Evaluation

__all__ = ["audit", "audit_subject", "warn_of_leaks"]


def audit(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    groups: Any = None,
    test: tuple[Any, Any] | None = None,
    fit_params: Mapping[str, Any] | None = None,
    random_state: int = 0,
    probes: bool = True,
) -> list[Finding]:
    """Look for leaks: ways by which scored samples have a part in training.

    Some rules look at the samples and the folds, such as for copies, for traces of scaling and
    for pixels that tell the label. Others fit the estimator on parts of two folds, of at most
    2,000 samples, and watch: with wrong labels, with changed scored samples, after another fold.

    Parameters
    ----------
    estimator : classifier or pipeline
        With ``predict_proba``. Never fitted itself.
    X : array-like of shape (n_samples, ...)
        Samples. While a fit is probed, arrays that the estimator can reach and that hold scored
        samples are changed in place, and put back.
    y : array-like of shape (n_samples,)
        Labels.
    cv : int, list of Split, or splitter, default=5
        As for `cross_validate_oof`.
    groups : array-like of shape (n_samples,), default=None
        Groups that no fold should tear apart.
    test : (X, y), default=None
        An official test split, which nothing should have been selected on.
    fit_params : mapping, default=None
        What ``fit`` is given besides, as the ``params`` of `cross_validate_oof`.
    random_state : int, default=0
        Seed of folds and fits.
    probes : bool, default=True
        Whether models are fitted: four fits or more.

    Returns
    -------
    list of Finding
        Empty where no rule found anything, which is no proof that there is nothing.

    Raises
    ------
    InputError
        If the arguments do not fit together, or the estimator cannot be fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_wine(return_X_y=True)
    >>> audit(GaussianNB(), X, y)
    []
    >>> [finding.name for finding in audit(GaussianNB(), scale(X), y)]
    ['preprocessed_outside']
    """
    y = np.asarray(y)
    try:
        X, _ = indexable(X, y)
    except (TypeError, ValueError) as error:
        raise InputError(f"X and y do not fit together: {error}.") from error
    if y.ndim != 1 or not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"audit needs labels of one dimension and an estimator with predict_proba, got "
            f"{y.ndim} dimensions and {type(estimator).__name__}."
        )
    subject = Subject(
        estimator,
        X,
        y,
        as_splits(cv, y, groups, random_state),
        None if groups is None else np.asarray(groups),
        None if test is None else (test[0], np.asarray(test[1])),
        dict(fit_params or {}),
        random_state,
    )
    return audit_subject(subject, probes=probes)


def audit_subject(subject: Subject, *, probes: bool) -> list[Finding]:
    """Ask all rules, those that fit models only if they are wanted."""
    if probes:
        check_fits(probe_of(subject))
    return [
        finding
        for name, rule in RULES.items()
        if probes or not rule.fits
        for finding in rule.findings(name, subject)
    ]


def warn_of_leaks(evaluation: Evaluation) -> None:
    """Warn of what the rules that cost next to nothing find, before a run begins."""
    subject = Subject(
        evaluation.estimator,
        evaluation.X,
        evaluation.y,
        evaluation.splits,
        evaluation.groups,
        evaluation.holdout,
        evaluation.fit_params,
        evaluation.random_state,
    )
    for name, rule in RULES.items():
        if rule.in_runs:
            for finding in rule.findings(name, subject):
                warnings.warn(str(finding), LeakWarning, stacklevel=3)
