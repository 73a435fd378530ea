"""Type-I error and interval coverage of the tests that ``cifar_sk.compare`` uses.

    python -m studies.benchmarks.comparison_tests --output FOLDER

Two classifiers are cross-validated on many synthetic data sets whose truth is known: two classes,
normal around opposite corners, with independent features. The one classifier sees the first half
of the features, the other the second half. Where both halves are alike, the two *procedures* have
exactly the same expected accuracy, although the *fitted models* of one data set do not. The true
accuracy of a fitted rule is a formula for linear rules, and is measured on 20,000 further samples
for trees.

So each method is judged by the truth that it speaks of:

- the t-tests and the Bayesian test by the expected difference of the procedures, at the size of
  the training folds (over all data sets);
- McNemar's test and the interval beside it by the mean difference of the fitted models at hand.
  McNemar's rejections where the procedures are equal are given too: they are not its fault, but
  what goes wrong when its p value is read as one about procedures.

With ``fixed`` rules, which learn nothing, both truths are one and the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.tree import DecisionTreeClassifier

from cifar_sk.comparison.tests.bayesian import correlated_posterior
from cifar_sk.comparison.tests.mcnemar import exact_mcnemar_test, paired_accuracy_interval
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test

N_FEATURES = 5  # of each half
ROPE = 0.01
N_FURTHER = 20_000

Rule = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Setting:
    """What is cross-validated.

    Attributes
    ----------
    learner : str
        "fixed", "linear" or "tree".
    n_samples, n_folds, n_repeats : int
        Of one data set.
    signals : tuple of float
        Distance of the classes from the origin in each feature of the first and second half.
    """

    learner: str
    n_samples: int
    n_folds: int
    n_repeats: int = 1
    signals: tuple[float, float] = (0.35, 0.35)

    @property
    def name(self) -> str:
        """A short description."""
        truth = "equal" if self.signals[0] == self.signals[1] else "unequal"
        return f"{self.learner}, {truth}, n={self.n_samples}, {self.n_repeats}×{self.n_folds}"


SETTINGS = (
    Setting("fixed", 300, 5),
    Setting("linear", 300, 5),
    Setting("linear", 300, 10),
    Setting("linear", 300, 5, 5),
    Setting("linear", 1500, 5),
    Setting("tree", 300, 5),
    Setting("tree", 300, 10),
    Setting("tree", 300, 5, 5),
    Setting("linear", 300, 5, signals=(0.35, 0.45)),
    Setting("linear", 1500, 5, signals=(0.35, 0.45)),
    Setting("linear", 20_000, 5),
    Setting("linear", 20_000, 5, signals=(0.35, 0.3653)),  # apart by just the rope
)


def main() -> None:
    """Simulate every setting, and print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=2000, help="data sets per setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    tables = []
    for number, setting in enumerate(SETTINGS):
        rng = np.random.default_rng([options.seed, number])
        tables.append(summary(setting, simulate(setting, options.datasets, rng)))
        print(tables[-1].round(4).to_string(index=False), flush=True)
    table = pd.concat(tables)
    table.to_csv(options.output / "comparison_tests.csv", index=False, lineterminator="\n")


def simulate(setting: Setting, n_datasets: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a row per data set: the truth about its first models, and what each test says."""
    further = draw(setting, N_FURTHER, rng) if setting.learner == "tree" else None
    return pd.DataFrame([one_dataset(setting, rng, further) for _ in range(n_datasets)])


def draw(setting: Setting, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw samples and their classes, -1 and 1 in equal numbers."""
    y = np.repeat([-1, 1], [n // 2, n - n // 2])
    mean = np.repeat(setting.signals, N_FEATURES)
    return rng.standard_normal((n, 2 * N_FEATURES)) + y[:, None] * mean, y


def one_dataset(
    setting: Setting, rng: np.random.Generator, further: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, float]:
    """Cross-validate both classifiers on new data, and test."""
    X, y = draw(setting, setting.n_samples, rng)
    differences, truths, right = [], [], np.zeros((2, setting.n_repeats, len(y)), dtype=bool)
    for repeat in range(setting.n_repeats):
        for test in stratified_folds(y, setting.n_folds, rng):
            train = np.ones(len(y), dtype=bool)
            train[test] = False
            true = []
            for run, half in enumerate((slice(0, N_FEATURES), slice(N_FEATURES, None))):
                weights, rule = fit(setting.learner, X[train, half], y[train], rng)
                right[run, repeat, test] = rule(X[test, half]) == y[test]
                if repeat == 0:
                    signal = setting.signals[run]
                    true.append(true_accuracy(weights, rule, signal, half, further))
            scores = right[:, repeat, test].mean(axis=1)
            differences.append(scores[1] - scores[0])
            truths += [true[1] - true[0]] if true else []
    return {
        **over_folds(np.array(differences), 1 / (setting.n_folds - 1)),
        # Of the first repeat: others have the same samples, so they are no further evidence.
        **over_samples(right[0, 0], right[1, 0]),
        "truth_of_models": float(np.mean(truths)),
    }


def stratified_folds(y: np.ndarray, n_folds: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the test samples of each fold; scikit-learn's splitter takes longer than the fits."""
    parts = [np.array_split(rng.permutation(np.flatnonzero(y == c)), n_folds) for c in (-1, 1)]
    return [np.concatenate(pair) for pair in zip(*parts, strict=True)]


def fit(
    learner: str, X: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray | None, Rule]:
    """Train a classifier; return its weights, if it is linear, and its rule."""
    if learner == "tree":
        seed = int(rng.integers(2**31))
        tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=seed).fit(X, y)
        return None, tree.predict
    if learner == "fixed":
        weights = np.append(np.ones(X.shape[1]), 0.0)
    else:  # least squares on ±1, which is linear discriminant analysis
        inputs = np.column_stack([X, np.ones(len(X))])
        weights = np.linalg.solve(inputs.T @ inputs, inputs.T @ y)
    return weights, lambda X: np.where(X @ weights[:-1] + weights[-1] > 0, 1, -1)


def true_accuracy(
    weights: np.ndarray | None,
    rule: Rule,
    signal: float,
    half: slice,
    further: tuple[np.ndarray, np.ndarray] | None,
) -> float:
    """Return the probability that a rule is right."""
    if weights is not None:
        length = np.linalg.norm(weights[:-1])
        shift = signal * weights[:-1].sum()
        return float(norm.cdf((shift + np.array([1, -1]) * weights[-1]) / length).mean())
    if further is None:
        return np.nan
    X, y = further
    return float((rule(X[:, half]) == y).mean())


def over_folds(differences: np.ndarray, ratio: float) -> dict[str, float]:
    """Test the differences over folds: naive, corrected and Bayesian."""
    corrected = corrected_paired_t_test(differences, test_train_ratio=ratio)
    # Without the correction it is the paired t-test.
    naive = corrected_paired_t_test(differences, test_train_ratio=1e-12)
    posterior = correlated_posterior(differences, test_train_ratio=ratio)
    verdict, two_sided = posterior.verdict(ROPE), posterior.verdict(0)
    return {
        "estimate": corrected.estimate,
        "naive_p": naive.p_value,
        "naive_low": naive.low,
        "naive_high": naive.high,
        "corrected_p": corrected.p_value,
        "corrected_low": corrected.low,
        "corrected_high": corrected.high,
        "bayes_better": max(verdict.below, verdict.above),
        "bayes_better_rope_0": max(two_sided.below, two_sided.above),
        "bayes_equivalent": verdict.equivalent,
    }


def over_samples(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Test the samples: McNemar, and the interval on the difference of accuracies."""
    only = int((first & ~second).sum()), int((second & ~first).sum())
    interval = paired_accuracy_interval(*only, len(first))
    return {
        "mcnemar_p": exact_mcnemar_test(*only),
        "paired_low": interval.low,
        "paired_high": interval.high,
    }


def summary(setting: Setting, found: pd.DataFrame) -> pd.DataFrame:
    """Return the rates of a setting, a row per method.

    ``rejects`` is how often a method claims a difference (the type-I error, where the procedures
    are equal), ``covers`` how often its interval holds the truth that it speaks of, and ``…_se``
    the standard error of either from the number of data sets. Tests without a p value (no spread
    over folds) claim nothing and cover nothing.
    """
    is_equal = setting.signals[0] == setting.signals[1]
    truth = 0.0 if is_equal else float(found["truth_of_models"].mean())
    models = found["truth_of_models"]
    rows = {
        "naive t": (found["naive_p"] < 0.05, holds(found, "naive", truth)),
        "corrected t": (found["corrected_p"] < 0.05, holds(found, "corrected", truth)),
        "Bayes, better by > rope": (found["bayes_better"] >= 0.95, None),
        "Bayes, better, rope 0": (found["bayes_better_rope_0"] >= 0.95, None),
        "Bayes, equivalent": (found["bayes_equivalent"] >= 0.95, None),
        "McNemar": (found["mcnemar_p"] < 0.05, holds(found, "paired", models)),
    }
    return pd.DataFrame([rates(setting, name, truth, *row) for name, row in rows.items()])


def holds(found: pd.DataFrame, method: str, truth: Any) -> pd.Series:
    """Return whether the interval of each data set holds the truth."""
    return (found[f"{method}_low"] <= truth) & (truth <= found[f"{method}_high"])


def rates(
    setting: Setting, method: str, truth: float, rejects: pd.Series, covers: pd.Series | None
) -> dict[str, Any]:
    """Return a row of the table."""
    row = {"setting": setting.name, "true_difference": truth, "method": method}
    for name, values in (("rejects", rejects), ("covers", covers)):
        rate = np.nan if values is None else float(values.mean())
        row |= {name: rate, f"{name}_se": np.sqrt(rate * (1 - rate) / len(rejects))}
    return {**row, "datasets": len(rejects)}


if __name__ == "__main__":
    main()
