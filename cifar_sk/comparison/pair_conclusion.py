"""A comparison in plain sentences, which say what the tests support and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison import wording
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
        Sentences, most important first. A difference is stated only where the corrected t-test's
        p value is below 0.05, practical equivalence only where its posterior probability is at
        least 0.95, and where the tests disagree, that is said.
    """
    if comparison.ranking is not None:
        return ranked_sentences(comparison, comparison.ranking)
    pair = comparison.pair
    if pair is None:
        return []
    found = [
        _difference(comparison, pair),
        _bayesian(comparison, pair),
        *_mcnemar(comparison, pair),
        _disagreement(comparison, pair),
        _other_metrics(comparison),
        _classes(comparison, pair),
        _costs(comparison),
    ]
    return [sentence for sentence in found if sentence]


def _order(comparison: Comparison, difference: float) -> tuple[str, str]:
    """Return the better and the worse run, from the sign of second - first."""
    first, second = comparison.names
    is_second = (difference > 0) == comparison.greater_is_better
    return (second, first) if is_second else (first, second)


def _difference(comparison: Comparison, pair: PairResult) -> str:
    first, second = comparison.names
    metric, label = comparison.metric, wording.metric_name(comparison.metric)
    folds, test = comparison.folds, pair.test
    if np.isnan(test.p_value):
        return _without_spread(comparison, pair)
    digits = wording.digits_for(test.high - test.low)
    basis = f"Nadeau–Bengio corrected paired t-test over {folds}, {wording.p_text(test.p_value)}"
    if test.p_value < ALPHA:
        better, worse = _order(comparison, test.estimate)
        low, high = sorted(np.sign(test.estimate) * np.array([test.low, test.high]))
        size = wording.amount(test.estimate, metric, digits=digits)
        inside = f"95 % interval {wording.interval(low, high, metric, digits=digits)}"
        return f"{better} is better than {worse} by {size} of {label}, {inside} ({basis})."
    size = wording.signed(test.estimate, metric, digits=digits)
    inside = wording.interval(test.low, test.high, metric, digits=digits)
    text = (
        f"{folds} cannot tell {first} and {second} apart in {label}: {second} − {first} is "
        f"{size}, 95 % interval {inside} ({basis})."
    )
    if pair.posterior.verdict(comparison.rope).equivalent >= SURE:
        return text
    return f"{text} That is no evidence that they are equally good."


def _without_spread(comparison: Comparison, pair: PairResult) -> str:
    first, second = comparison.names
    label, test = wording.metric_name(comparison.metric), pair.test
    if not pair.n_other_predictions:
        return f"{first} and {second} predict the same class for every image."
    if np.isnan(test.estimate):
        return (
            f"{label} is undefined in a fold, so {first} and {second} are not compared by it; "
            "name another metric."
        )
    if len(comparison.scores) < 2:
        return f"One fold cannot tell how certain the difference in {label} is."
    if abs(test.estimate) < 1e-12:
        return f"{first} and {second} have the same {label} in every fold."
    size = wording.signed(test.estimate, comparison.metric)
    return (
        f"{second} − {first} is {size} of {label} in every fold alike; without any spread over "
        "folds, no test over folds can be made."
    )


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
        return [_mcnemar_over_repeats(comparison, pair.mcnemar)]
    first, second = comparison.names
    n_samples = len(comparison.runs[0].result.target)
    sentences = []
    for row in pair.mcnemar.to_dict("records"):
        where = f"In repeat {row['repeat'] + 1}, of" if len(pair.mcnemar) > 1 else "Of"
        sentences.append(
            f"{where} the {n_samples:,} images, {second} alone gets {row['only_second']:,} right "
            f"and {first} alone {row['only_first']:,}: {_mcnemar_verdict(comparison, row)} "
            f"(McNemar's exact test, {wording.p_text(row['p_value'])})."
        )
    return sentences


def _mcnemar_verdict(comparison: Comparison, row: Mapping[Any, Any]) -> str:
    first, second = comparison.names
    if row["p_value"] >= ALPHA:
        return "no more than chance would have between models that are right equally often"
    more = second if row["only_second"] > row["only_first"] else first
    return f"the fitted models of {more} are right more often"


def _mcnemar_over_repeats(comparison: Comparison, table: pd.DataFrame) -> str:
    first, second = comparison.names
    is_low = table["p_value"] < ALPHA
    counts = {
        first: int((is_low & (table["only_first"] > table["only_second"])).sum()),
        second: int((is_low & (table["only_second"] > table["only_first"])).sum()),
    }
    said = " and ".join(f"those of {name} in {count}" for name, count in counts.items())
    return (
        f"By McNemar's exact test, made in each of {len(table)} repeats on its own, the fitted "
        f"models that are right more often (p < {ALPHA}) are {said}."
    )


def _disagreement(comparison: Comparison, pair: PairResult) -> str:
    test, verdict = pair.test, pair.posterior.verdict(comparison.rope)
    if np.isnan(test.p_value):
        return ""
    is_found = test.p_value < ALPHA
    sentences = []
    if is_found and verdict.equivalent >= SURE:
        sentences.append("So there is a difference, but too small to matter by this measure.")
    elif is_found and max(verdict.below, verdict.above) < SURE:
        size = wording.region(comparison.rope, comparison.metric)
        sentences.append(f"So there is a difference; whether it exceeds {size} is open.")
    elif not is_found and max(verdict.below, verdict.above) >= SURE:
        sentences.append(
            "The Bayesian test speaks where the t-test does not because it looks one way only, as "
            "a one-sided test would: a hint, and no finding."
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
            "as they are and finds one kind better on such images; the corrected t-test asks "
            f"whether training on other images would show it again, and {comparison.folds} "
            "cannot say. A claim about the methods needs the second."
        )
    if is_found and not low.any():
        return (
            "The tests disagree: the folds agree about a difference, but by McNemar's test the "
            "counts of images could be chance. Take it as unsettled, and run more repeats."
        )
    if low.any() and not low.all():
        return (
            f"McNemar's test finds a difference in {low.sum()} of {len(low)} repeats only: it "
            "depends on how the folds are drawn."
        )
    return ""


def _other_metrics(comparison: Comparison) -> str:
    table = comparison.metrics[comparison.metrics["metric"] != comparison.metric]
    is_copy = table["same_test_as"] != ""
    table = table[~is_copy]
    apart = table[table["p_holm"] < ALPHA]
    n = int(table["p_holm"].notna().sum())
    if n == 0:
        return ""
    others = f"the other {n} metrics"
    if is_copy.any():
        others += " (those that are one and the same test counted once)"
    if apart.empty:
        return f"In none of {others} are they told apart by Holm-corrected tests."
    first, second = comparison.names
    favours_second = (apart["difference"] > 0) == (apart["better"] == "higher")
    counts = {second: int(favours_second.sum()), first: int((~favours_second).sum())}
    won = [f"{name} is better in {count}" for name, count in counts.items() if count]
    return f"Of {others}, {wording.listing(won)} by Holm-corrected tests."


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
    basis = "95 % bootstrap intervals over images, of these fitted models, each class on its own"
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
