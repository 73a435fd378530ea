"""Type-I error and interval coverage of the tests that ``cifar_sk.compare`` uses.

    python -m studies.benchmarks.comparison_tests --output FOLDER [--seconds 280 --resume]

Two classifiers are cross-validated on many synthetic data sets whose truth is known: two classes,
normal around opposite corners, with independent features. The one classifier sees the first half
of the features, the other the second half. Where both halves are alike, the two *procedures* have
exactly the same expected accuracy, although the *fitted models* of one data set do not. The true
accuracy of a fitted rule is a formula for linear rules, and is measured on 20,000 further samples
for trees.

So each method is judged by the truth that it speaks of:

- the procedure test, the t-tests and the Bayesian test by the expected difference of the
  procedures, at the size of the training folds (over all data sets);
- McNemar's test and the interval beside it by the mean difference of the fitted models at hand.
  McNemar's rejections where the procedures are equal are given too: they are not its fault, but
  what goes wrong when its p value is read as one about procedures.

With ``fixed`` rules, which learn nothing, both truths are one and the same, unless there is noise
between trainings: it moves the margin of every sample in a fit, so that the accuracies of fits
have the standard deviation that is given. Samples of a group are of one class, and their features
are correlated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.tree import DecisionTreeClassifier

from cifar_sk.comparison.tests.bayesian import correlated_posterior
from cifar_sk.comparison.tests.mcnemar import (
    clustered_mcnemar_test,
    exact_mcnemar_test,
    paired_accuracy_interval,
)
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.statistics import half_width, spread_of
from studies.benchmarks.intervals import write

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
    groups : tuple of int
        Sizes of groups, over and over.
    correlation : float
        Of a feature within a group.
    noise : float
        Standard deviation of the accuracy of a fit of one rule.
    """

    learner: str
    n_samples: int
    n_folds: int
    n_repeats: int = 1
    signals: tuple[float, float] = (0.35, 0.35)
    groups: tuple[int, ...] = (1,)
    correlation: float = 0.0
    noise: float = 0.0

    @property
    def name(self) -> str:
        """A short description."""
        truth = "equal" if self.signals[0] == self.signals[1] else "unequal"
        name = f"{self.learner}, {truth}, n={self.n_samples}, {self.n_repeats}×{self.n_folds}"
        if self.correlation:
            few, many = min(self.groups), max(self.groups)
            size = f"{many}" if few == many else f"{few} to {many}"
            name += f", groups of {size} ({self.correlation:g})"
        return name + (f", noise {self.noise:g}" if self.noise else "")

    @property
    def margin_noise(self) -> float:
        """Standard deviation of what noise adds to a margin, in those of the margin."""
        distance = self.signals[0] * np.sqrt(N_FEATURES)
        return float(self.noise / norm.pdf(distance))

    @property
    def sizes(self) -> np.ndarray:
        """Samples of each group of the first class; the second has as many."""
        repeats = -(-self.n_samples // (2 * sum(self.groups)))
        sizes = np.tile(self.groups, repeats)
        return sizes[: np.searchsorted(np.cumsum(sizes), self.n_samples // 2) + 1]


UNEQUAL = (1, 2, 5, 12, 30)
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
    Setting("fixed", 1500, 5, groups=(5,), correlation=0.5),
    Setting("fixed", 1500, 5, groups=(5,), correlation=0.95),
    Setting("fixed", 1500, 5, groups=UNEQUAL, correlation=0.95),
    Setting("linear", 1500, 5, groups=(5,), correlation=0.95),
    Setting("linear", 1500, 5, groups=UNEQUAL, correlation=0.95),
    Setting("fixed", 2000, 5, noise=0.005),
    Setting("fixed", 20_000, 5, noise=0.016),
    Setting("fixed", 50_000, 5, noise=0.004),
)


def main() -> None:
    """Simulate every setting, and print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=2000, help="data sets per setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no setting later")
    parser.add_argument("--resume", action="store_true", help="keep the settings that are there")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    path, start = options.output / "comparison_tests.csv", time.monotonic()
    table = pd.read_csv(path) if options.resume and path.exists() else None
    place = {setting.name: number for number, setting in enumerate(SETTINGS)}
    for number, setting in enumerate(SETTINGS):
        if table is not None and (table["setting"] == setting.name).any():
            continue
        if time.monotonic() - start > options.seconds:
            print("not finished: start again with --resume", flush=True)
            break
        rng = np.random.default_rng([options.seed, number])
        # A tree takes ten times as long as a rule.
        n_datasets = options.datasets // (2 if setting.learner == "tree" else 1)
        found = summary(setting, simulate(setting, n_datasets, rng))
        table = found if table is None else pd.concat([table, found])
        table = table.sort_values("setting", key=lambda names: names.map(place), kind="stable")
        print(found.round(4).to_string(index=False), flush=True)
        write(table, path)


def simulate(setting: Setting, n_datasets: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a row per data set: the truth about its first models, and what each test says."""
    further = draw(setting, N_FURTHER, rng) if setting.learner == "tree" else None
    return pd.DataFrame([one_dataset(setting, rng, further) for _ in range(n_datasets)])


def draw(setting: Setting, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw samples and their classes, -1 and 1 in equal numbers."""
    y = np.repeat([-1, 1], [n // 2, n - n // 2])
    mean = np.repeat(setting.signals, N_FEATURES)
    X = rng.standard_normal((n, 2 * N_FEATURES))
    if setting.correlation and n == setting.n_samples:
        shared = rng.standard_normal((2 * len(setting.sizes), 2 * N_FEATURES))[grouping(setting)]
        X = np.sqrt(1 - setting.correlation) * X + np.sqrt(setting.correlation) * shared
    return X + y[:, None] * mean, y


def grouping(setting: Setting) -> np.ndarray:
    """Return the group of each sample."""
    sizes = np.tile(setting.sizes, 2)
    return np.repeat(np.arange(len(sizes)), sizes)


def one_dataset(
    setting: Setting, rng: np.random.Generator, further: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, float]:
    """Cross-validate both classifiers on new data, and test."""
    X, y = draw(setting, setting.n_samples, rng)
    differences, truths, right = [], [], np.zeros((2, setting.n_repeats, len(y)), dtype=bool)
    share = np.zeros((setting.n_repeats, len(y)))
    for repeat in range(setting.n_repeats):
        for test in folds_of(setting, y, rng):
            train = np.ones(len(y), dtype=bool)
            train[test] = False
            true = []
            for run, half in enumerate((slice(0, N_FEATURES), slice(N_FEATURES, None))):
                weights, rule = fit(setting.learner, X[train, half], y[train], rng)
                shift = setting.margin_noise * rng.standard_normal() if setting.noise else 0.0
                if weights is None:
                    right[run, repeat, test] = rule(X[test, half]) == y[test]
                else:
                    margin = y[test] * (X[test, half] @ weights[:-1] + weights[-1])
                    limit = -shift * np.linalg.norm(weights[:-1])
                    right[run, repeat, test] = margin > limit
                if repeat == 0:
                    signal = setting.signals[run]
                    true.append(true_accuracy(weights, rule, signal, half, further, shift))
            share[repeat, test] = 1 / (len(test) * setting.n_folds)
            scores = right[:, repeat, test].mean(axis=1)
            differences.append(scores[1] - scores[0])
            truths += [true[1] - true[0]] if true else []
    groups = grouping(setting) if setting.correlation else None
    scores = np.array(differences).reshape(setting.n_repeats, 1, setting.n_folds)
    return {
        **over_folds(np.array(differences), 1 / (setting.n_folds - 1)),
        **of_procedures(scores, right, share, groups),
        # Of the first repeat: others have the same samples, so they are no further evidence.
        **over_samples(right[0, 0], right[1, 0], groups),
        "truth_of_models": float(np.mean(truths)),
    }


def folds_of(setting: Setting, y: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the test samples of each fold; those of a group are in one."""
    if not setting.correlation:
        return stratified_folds(y, setting.n_folds, rng)
    group, sizes = grouping(setting), setting.sizes
    labels = []
    for _ in (-1, 1):
        order = rng.permutation(len(sizes))
        order = order[np.argsort(-sizes[order], kind="stable")]
        fold = np.empty(len(sizes), dtype=int)
        fold[order] = np.arange(len(sizes)) % setting.n_folds
        labels.append(fold)
    of_sample = np.concatenate(labels)[group]
    return [np.flatnonzero(of_sample == fold) for fold in range(setting.n_folds)]


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
    shift: float = 0.0,
) -> float:
    """Return the probability that a rule is right; noise shifts a linear rule's margins."""
    if weights is not None:
        length = np.linalg.norm(weights[:-1])
        centre = signal * weights[:-1].sum()
        margins = (centre + np.array([1, -1]) * weights[-1]) / length
        return float(norm.cdf(margins + shift).mean())
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


def of_procedures(
    scores: np.ndarray, right: np.ndarray, share: np.ndarray, groups: np.ndarray | None
) -> dict[str, float]:
    """Test the procedures, by the images and the fits together."""
    difference = right[1].astype(float) - right[0]
    u = ((difference - scores.mean(axis=(1, 2))[:, None]) * share).T
    sizes = None
    if groups is not None:
        sizes = np.bincount(groups)
        u = np.add.reduceat(u, np.concatenate([[0], np.cumsum(sizes)[:-1]]), axis=0)
    found = spread_of(scores, u[:, :, None], sizes)
    half = float(half_width(found))
    return {"procedure_low": found.mean - half, "procedure_high": found.mean + half}


def over_samples(
    first: np.ndarray, second: np.ndarray, groups: np.ndarray | None
) -> dict[str, float]:
    """Test the samples: McNemar, plain and by groups, and its interval."""
    only = int((first & ~second).sum()), int((second & ~first).sum())
    interval = paired_accuracy_interval(*only, len(first))
    units = np.arange(len(first)) if groups is None else groups
    clustered = clustered_mcnemar_test(first, second, units)
    return {
        "clustered_p": clustered.p_value,
        "clustered_low": clustered.low,
        "clustered_high": clustered.high,
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
        "procedure": (
            (found["procedure_low"] > 0) | (found["procedure_high"] < 0),
            holds(found, "procedure", truth),
        ),
        "naive t": (found["naive_p"] < 0.05, holds(found, "naive", truth)),
        "corrected t": (found["corrected_p"] < 0.05, holds(found, "corrected", truth)),
        "Bayes, better by > rope": (found["bayes_better"] >= 0.95, None),
        "Bayes, better, rope 0": (found["bayes_better_rope_0"] >= 0.95, None),
        "Bayes, equivalent": (found["bayes_equivalent"] >= 0.95, None),
        "McNemar": (found["mcnemar_p"] < 0.05, holds(found, "paired", models)),
        "McNemar, by groups": (found["clustered_p"] < 0.05, holds(found, "clustered", models)),
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
