"""Two or more runs on the same folds: paired statistics, and what they support."""

from cifar_sk.comparison.pair_conclusion import conclusion
from cifar_sk.comparison.runs import Comparison, PairResult, compare_runs

__all__ = ["Comparison", "PairResult", "compare_runs", "conclusion"]
