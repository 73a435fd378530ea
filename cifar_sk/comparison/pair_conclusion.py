"""A comparison in plain sentences, which say what the tests support and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison import wording
from cifar_sk.comparison.basis import is_equivalent, main_sentences
from cifar_sk.comparison.looks_wording import looks_sentences
from cifar_sk.comparison.ranked_conclusion import ranked_sentences
from cifar_sk.comparison.runs import Comparison, PairResult
from cifar_sk.comparison.wording import ALPHA, SURE

__all__ = ["conclusion"]


def conclusion(comparison: Comparison) -> list[str]:
    """Say what a comparison supports.

    Parameters
    ----------
    comparison : Comparison
        As `cifar_sk.comparison.compare_runs` returns it.

    Returns
    -------
    list of str
        Sentences, most important first. A difference is stated only where the procedure test's p
        value is below `Comparison.level`, practical equivalence only where its posterior
        probability is at least 0.95, and where the tests disagree, that is said.
    """
    if comparison.ranking is not None:
        return ranked_sentences(comparison, comparison.ranking)
    pair = comparison.pair
    if pair is None:
        return []
    found = [
        *main_sentences(comparison, pair),
        *looks_sentences(comparison),
        _bayesian(comparison, pair),
        *_mcnemar(comparison, pair),
        _disagreement(comparison, pair),
        _other_metrics(comparison),
        _classes(comparison, pair),
        _costs(comparison),
    ]
    return [sentence for sentence in found if sentence]


def _bayesian(comparison: Comparison, pair: PairResult) -> str:
    first, second = comparison.names
    verdict = pair.posterior.verdict(comparison.rope)
    if np.isnan(verdict.equivalent):
        return ""
    size = wording.region(comparison.rope, comparison.metric)
    label = wording.metric_name(comparison.metric)
    equivalent = wording.probability(verdict.equivalent)
    if verdict.equivalent >= SURE:
        return (
            f"They are practically equivalent: with probability {equivalent}, {label} differs by "
            f"at most {size} (Bayesian correlated t-test)."
        )
    lower, higher = (first, second) if comparison.greater_is_better else (second, first)
    chances = {lower: verdict.below, higher: verdict.above}
    said = {name: wording.probability(chance) for name, chance in chances.items()}
    for name, chance in chances.items():
        if chance >= SURE:
            return (
                f"With probability {said[name]}, {name} is better by more than {size} (Bayesian "
                f"correlated t-test; practically equivalent with probability {equivalent})."
            )
    return (
        f"The Bayesian correlated t-test reaches no verdict (none has probability {SURE}): "
        f"{first} is better by more than {size} with probability {said[first]}, they are "
        f"practically equivalent with {equivalent}, and {second} is better with {said[second]}."
    )


def _mcnemar(comparison: Comparison, pair: PairResult) -> list[str]:
    if not pair.n_other_predictions:
        return []
    if len(pair.mcnemar) > 3:
        return [_mcnemar_over_passes(comparison, pair.mcnemar), _ONLY_THESE]
    first, second = comparison.names
    n_samples = len(comparison.runs[0].result.target)
    sentences = []
    for row in pair.mcnemar.to_dict("records"):
        sentences.append(
            f"{_of_pass(comparison, row)} the {n_samples:,} images, {second} alone gets "
            f"{row['only_second']:,} right and {first} alone {row['only_first']:,}: "
            f"{_mcnemar_verdict(comparison, row)} ({_mcnemar_name(comparison)}, "
            f"{wording.p_text(row['p_value'])})."
        )
    return [*sentences, _ONLY_THESE]


# The figure is the largest of the simulations with noise between trainings, without groups.
_ONLY_THESE = (
    "McNemar's test is about these fitted models only: training again would change which images "
    "they get right, and read as a claim about the methods it found a difference that was none in "
    "up to 74 % of simulated comparisons (results/benchmarks/intervals.csv)."
)


def _mcnemar_name(comparison: Comparison) -> str:
    is_grouped = comparison.runs[0].result.groups is not None
    return "McNemar's test over groups" if is_grouped else "McNemar's exact test"


def _of_pass(comparison: Comparison, row: Mapping[Any, Any]) -> str:
    kinds = ["repeat"] * (comparison.n_repeats > 1) + ["seed"] * ("seed" in row)
    labels = [f"{kind} {row[kind] + 1}" for kind in kinds]
    return f"In {', '.join(labels)}, of" if labels else "Of"


def _mcnemar_verdict(comparison: Comparison, row: Mapping[Any, Any]) -> str:
    first, second = comparison.names
    if not row["p_value"] < ALPHA:
        return "no more than chance would have between models that are right equally often"
    more = second if row["only_second"] > row["only_first"] else first
    return f"the fitted models of {more} are right more often"


def _mcnemar_over_passes(comparison: Comparison, table: pd.DataFrame) -> str:
    first, second = comparison.names
    is_low = table["p_value"] < ALPHA
    counts = {
        first: int((is_low & (table["only_first"] > table["only_second"])).sum()),
        second: int((is_low & (table["only_second"] > table["only_first"])).sum()),
    }
    said = " and ".join(f"those of {name} in {count}" for name, count in counts.items())
    passes = comparison.runs[0].result.passes
    return (
        f"By {_mcnemar_name(comparison)}, made in each of {len(table)} {passes} on its own, the "
        f"fitted models that are right more often (p < {ALPHA}) are {said}."
    )


def _disagreement(comparison: Comparison, pair: PairResult) -> str:
    verdict = pair.posterior.verdict(comparison.rope)
    if np.isnan(pair.procedure.p_value):
        return ""
    is_found = pair.procedure.p_value < comparison.level
    sentences = []
    if verdict.equivalent >= SURE and not is_equivalent(comparison, pair):
        size = wording.region(comparison.rope, comparison.metric)
        sentences.append(
            "The Bayesian test looks at the spread over folds alone; the interval of the "
            f"procedure test, which counts the images too, reaches beyond {size}, so practical "
            "equivalence is a hint, and no finding."
        )
    elif is_found and verdict.equivalent >= SURE:
        sentences.append("So there is a difference, but too small to matter by this measure.")
    elif is_found and max(verdict.below, verdict.above) < SURE:
        size = wording.region(comparison.rope, comparison.metric)
        sentences.append(f"So there is a difference; whether it exceeds {size} is open.")
    elif not is_found and max(verdict.below, verdict.above) >= SURE:
        sentences.append(
            "The Bayesian test speaks where the procedure test does not because it looks one way "
            "only, as a one-sided test would, and at the spread over folds alone: a hint, and no "
            "finding."
        )
    if comparison.metric == "accuracy":
        sentences.append(_against_mcnemar(comparison, pair, is_found))
    return " ".join(sentence for sentence in sentences if sentence)


def _against_mcnemar(comparison: Comparison, pair: PairResult, is_found: bool) -> str:
    low = pair.mcnemar["p_value"] < ALPHA
    one_way = pair.mcnemar["only_second"] > pair.mcnemar["only_first"]
    if low.all() and (one_way.all() or not one_way.any()) and not is_found:
        return (
            "The tests disagree, for they ask different things: McNemar's takes the fitted models "
            "as they are and finds one kind better on such images; the procedure test asks "
            f"whether training again would show it again, and {comparison.folds} cannot say. A "
            "claim about the methods needs the second."
        )
    passes = comparison.runs[0].result.passes
    if is_found and not low.any() and len(low) == 1:
        return (
            "The tests disagree: the folds agree about a difference, but by McNemar's test the "
            "counts of images could be chance. Take it as unsettled, and run more repeats."
        )
    if is_found and not low.any():
        return (
            f"McNemar's test finds no difference in any of the {passes}, for it is made in each "
            f"alone; the procedure test has all {len(low)} together."
        )
    if low.any() and not low.all():
        cause = "the seed of the training" if passes == "seeds" else "how the folds are drawn"
        return (
            f"McNemar's test finds a difference in {low.sum()} of {len(low)} {passes} only: it "
            f"depends on {cause}."
        )
    return ""


def _other_metrics(comparison: Comparison) -> str:
    table = comparison.metrics[comparison.metrics["metric"] != comparison.metric]
    is_copy = table["same_test_as"] != ""
    table = table[~is_copy]
    apart = table[table["procedure_holm"] < comparison.level]
    n = int(table["procedure_holm"].notna().sum())
    tests = "Holm-corrected procedure tests"
    if n == 0:
        return ""
    others = f"the other {n} metrics"
    if is_copy.any():
        others += " (those that are one and the same test counted once)"
    if apart.empty:
        return f"In none of {others} are they told apart by {tests}."
    first, second = comparison.names
    favours_second = (apart["difference"] > 0) == (apart["better"] == "higher")
    counts = {second: int(favours_second.sum()), first: int((~favours_second).sum())}
    won = [f"{name} is better in {count}" for name, count in counts.items() if count]
    return f"Of {others}, {wording.listing(won)} by {tests}."


def _classes(comparison: Comparison, pair: PairResult) -> str:
    if not pair.n_other_predictions:
        return ""
    first, second = comparison.names
    table = pair.classes
    won = {
        second: table.loc[table["low"] > 0, "class"].tolist(),
        first: table.loc[table["high"] < 0, "class"].tolist(),
    }
    said = [
        f"{name} has the higher F1 in {_some(classes, len(table))}"
        for name, classes in won.items()
        if classes
    ]
    is_grouped = comparison.runs[0].result.groups is not None
    over = "groups of images" if is_grouped else "images"
    basis = f"95 % bootstrap intervals over {over}, of these fitted models, each class on its own"
    if not said:
        return f"In no class is F1 told apart ({basis})."
    return f"By class, {wording.listing(said)} ({basis})."


def _some(classes: list[str], n_classes: int) -> str:
    if len(classes) == n_classes:
        return f"all {n_classes} classes"
    counted = f"{len(classes)} of {n_classes}"
    return f"{counted} ({', '.join(classes)})" if len(classes) <= 5 else counted


def _costs(comparison: Comparison) -> str:
    columns = {
        "n_parameters": "parameters",
        "multiply_adds": "multiply-adds per image",
        "fit_time": "seconds to fit a fold",
        "predict_ms_per_image": "milliseconds to predict an image",
    }
    first, second = comparison.names
    one_run, other = comparison.costs.to_dict("records")
    said = []
    for column, text in columns.items():
        one, two = float(one_run[column]), float(other[column])
        if one > 0 and two > 0:
            said.append(f"{_times(two / one)} the {text}")
    return f"{second} takes, against {first}, {wording.listing(said)}." if said else ""


def _times(ratio: float) -> str:
    if ratio < 0.001:
        return "less than 0.001 times"
    return f"{ratio:,.0f} times" if ratio >= 99.5 else f"{ratio:.2g} times"
