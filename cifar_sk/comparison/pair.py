"""Two runs in full: every table that only a pair has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar_sk.comparison.bootstrap import class_f1_differences
from cifar_sk.comparison.samples import only_one_right, outcomes_by_class
from cifar_sk.comparison.tests.bayesian import CorrelatedPosterior, correlated_posterior
from cifar_sk.comparison.tests.mcnemar import mcnemar_table
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.tests.procedure import procedure_test
from cifar_sk.comparison.tests.protocol import Finding, SampleOutcomes
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.statistics import Spread

__all__ = ["PairResult", "compare_pair"]


@dataclass(frozen=True)
class PairResult:
    """What two runs differ by; every difference is second - first.

    Attributes
    ----------
    procedure : Finding
        The procedure test of the primary metric, on which the conclusion rests; its interval is
        at `Comparison.level`.
    spread : Spread
        What that difference varies with.
    test : Finding
        The corrected t-test of the primary metric over folds.
    posterior : CorrelatedPosterior
        What the Bayesian test knows of the same difference.
    mcnemar : DataFrame
        A row per pass: ``repeat`` and, where there are several, ``seed``; the numbers of samples
        that ``both``, ``only_first``, ``only_second`` and ``neither`` get right; ``difference``
        in accuracy with ``low`` and ``high``; and McNemar's ``p_value``, exact, or over groups
        where samples have them.
    classes : DataFrame
        A row per class: ``class``, ``f1_first``, ``f1_second``, ``difference``, its bootstrap
        bounds ``low`` and ``high``, and ``support``, the number of samples.
    only_one_right : DataFrame
        The samples that one run gets right in every repeat, and the other in none.
    outcomes : DataFrame
        Per class, how many samples both, one or neither run gets right.
    n_other_predictions : int
        Predictions, over all repeats, of another class.
    """

    procedure: Finding
    spread: Spread
    test: Finding
    posterior: CorrelatedPosterior
    mcnemar: pd.DataFrame
    classes: pd.DataFrame
    only_one_right: pd.DataFrame
    outcomes: pd.DataFrame
    n_other_predictions: int


def compare_pair(
    results: Sequence[OOFResult],
    names: Sequence[str],
    scores: pd.DataFrame,
    predicted: Sequence[np.ndarray],
    spread: Spread,
    *,
    test_train_ratio: float,
    level: float,
    **bootstrap: int,
) -> PairResult:
    """Test and tabulate what two runs differ by; `spread` is that of second - first."""
    target, class_names, groups = results[0].target, results[0].class_names, results[0].groups
    differences = (scores[names[1]] - scores[names[0]]).to_numpy()
    one, two = predicted
    classes = class_f1_differences(target, one, two, len(class_names), groups=groups, **bootstrap)
    classes.insert(0, "class", list(class_names))
    first, second = (classes == target[:, None] for classes in predicted)
    outcomes = [SampleOutcomes(*right, groups) for right in zip(first.T, second.T, strict=True)]
    return PairResult(
        procedure=procedure_test(spread, confidence=1 - level),
        spread=spread,
        test=corrected_paired_t_test(differences, test_train_ratio=test_train_ratio),
        posterior=correlated_posterior(differences, test_train_ratio=test_train_ratio),
        mcnemar=mcnemar_table(outcomes, results[0].n_seeds),
        classes=classes,
        only_one_right=only_one_right(results, names, predicted),
        outcomes=outcomes_by_class(results, names),
        n_other_predictions=int((one != two).sum()),
    )
