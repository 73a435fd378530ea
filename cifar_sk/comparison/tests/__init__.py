"""Statistical tests of two runs, one a module; `TESTS` knows them by name.

The procedure test and the tests over folds ask about the *training procedures*: would the
difference come again with other images and other trainings? Those over samples take the *fitted
models* as they are, and ask about other samples.
"""

from cifar_sk.comparison.tests.bayesian import BayesianTest
from cifar_sk.comparison.tests.mcnemar import McNemarTest
from cifar_sk.comparison.tests.nadeau_bengio import NadeauBengioTest
from cifar_sk.comparison.tests.procedure import ProcedureTest
from cifar_sk.comparison.tests.protocol import (
    TESTS,
    Finding,
    FoldScores,
    SampleOutcomes,
    StatisticalTest,
)

__all__ = [
    "TESTS",
    "BayesianTest",
    "Finding",
    "FoldScores",
    "McNemarTest",
    "NadeauBengioTest",
    "ProcedureTest",
    "SampleOutcomes",
    "StatisticalTest",
]
