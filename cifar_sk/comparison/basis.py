"""What a conclusion on two runs rests on: the procedure test, and what stands beside it."""

from __future__ import annotations

import numpy as np

from cifar_sk.comparison import wording
from cifar_sk.comparison.runs import Comparison, PairResult
from cifar_sk.comparison.tests.protocol import Finding
from cifar_sk.comparison.wording import ALPHA
from cifar_sk.metrics.interval_table import FEW_GROUPS

__all__ = [
    "better_and_worse",
    "few_groups",
    "is_equivalent",
    "main_sentences",
    "what_varies",
]


def main_sentences(comparison: Comparison, pair: PairResult) -> list[str]:
    """Say what the procedure test finds, why it is asked, and what the corrected t-test says."""
    if np.isnan(pair.procedure.p_value):
        return [_untested(comparison, pair)]
    return [
        _difference(comparison, pair),
        _basis(comparison),
        few_groups(comparison),
        _corrected(comparison, pair),
    ]


def _basis(comparison: Comparison) -> str:
    return (
        "This rests on the procedure test, because it counts both other images and other "
        f"trainings; in its interval vary {what_varies(comparison)}."
    )


def better_and_worse(comparison: Comparison, difference: float) -> tuple[str, str]:
    """Return the better and the worse run, from the sign of second - first."""
    first, second = comparison.names
    is_second = (difference > 0) == comparison.greater_is_better
    return (second, first) if is_second else (first, second)


def what_varies(comparison: Comparison) -> str:
    """Say what the procedure test counts, and what shows it."""
    result = comparison.runs[0].result
    images = f"the {len(result.target):,} images"
    if result.n_groups is not None:
        images = f"the {result.n_groups:,} groups of images"
    if result.n_seeds > 1:
        return (
            f"{images}, the training sets and the seeds, as {comparison.folds} of each fold show "
            "them"
        )
    return f"{images}, and training sets and seeds, as {comparison.folds} show them together"


def few_groups(comparison: Comparison) -> str:
    """Warn where groups are too few for tests and intervals over them."""
    n = comparison.runs[0].result.n_groups
    if n is None or n >= FEW_GROUPS:
        return ""
    return (
        f"With {n} groups, fewer than {FEW_GROUPS}, tests and intervals over "
        "groups hold roughly only, and find differences a little too easily."
    )


def _difference(comparison: Comparison, pair: PairResult) -> str:
    first, second = comparison.names
    metric, label = comparison.metric, wording.metric_name(comparison.metric)
    test, level = pair.procedure, comparison.level
    digits = wording.digits_for(test.high - test.low)
    basis = f"procedure test over {comparison.folds}, {wording.p_text(test.p_value)}"
    if level != ALPHA:
        basis += f", to be read at the level {level:.3g}"
    interval = f"{wording.percent(level)} interval"
    if test.p_value < level:
        better, worse = better_and_worse(comparison, test.estimate)
        low, high = sorted(np.sign(test.estimate) * np.array([test.low, test.high]))
        size = wording.amount(test.estimate, metric, digits=digits)
        inside = f"{interval} {wording.interval(low, high, metric, digits=digits)}"
        return f"{better} is better than {worse} by {size} of {label}, {inside} ({basis})."
    size = wording.signed(test.estimate, metric, digits=digits)
    inside = wording.interval(test.low, test.high, metric, digits=digits)
    text = (
        f"{comparison.folds} cannot tell {first} and {second} apart in {label}: {second} − "
        f"{first} is {size}, {interval} {inside} ({basis})."
    )
    return (
        text
        if is_equivalent(comparison, pair)
        else f"{text} That is no evidence that they are equally good."
    )


def is_equivalent(comparison: Comparison, pair: PairResult) -> bool:
    """Say whether the procedure test's interval lies inside the region of equivalence."""
    return max(-pair.procedure.low, pair.procedure.high) < comparison.rope


def _untested(comparison: Comparison, pair: PairResult) -> str:
    first, second = comparison.names
    label = wording.metric_name(comparison.metric)
    if not pair.n_other_predictions:
        return f"{first} and {second} predict the same class for every image."
    if np.isnan(pair.test.estimate):
        return (
            f"{label} is undefined in a fold, so {first} and {second} are not compared by it; "
            "name another metric."
        )
    if len(comparison.scores) < 2:
        return f"One fold cannot tell how certain the difference in {label} is."
    return f"{first} and {second} have the same {label} in every fold."


def _corrected(comparison: Comparison, pair: PairResult) -> str:
    """Say what the corrected t-test finds, and why it may find another thing."""
    test, level = pair.test, comparison.level
    name = "The Nadeau–Bengio corrected paired t-test"
    if np.isnan(test.p_value):
        return f"{name} cannot be made, for the difference is the same in every fold."
    is_found, is_found_here = pair.procedure.p_value < level, test.p_value < level
    verdict = "finds it too" if is_found else "finds none either"
    if is_found != is_found_here:
        verdict = "does not find it" if is_found else "finds a difference"
    text = f"{name}, in whose interval varies what the folds alone show, {verdict}: "
    text += _found(comparison, test)
    if is_found and not is_found_here:
        text += (
            " The two disagree because the corrected test knows the images from a few folds only, "
            "and allows for folds that are alike: for stable learners it is too cautious (about "
            "2 % false findings where 5 % are allowed); for unstable ones, such as deep trees on "
            "few images, it is the safer of the two."
        )
    elif is_found_here and not is_found:
        text += (
            " The two disagree because these folds differ by less than their images alone make "
            "folds differ, which is chance; the procedure test counts what images make."
        )
    return text


def _found(comparison: Comparison, test: Finding) -> str:
    digits = wording.digits_for(test.high - test.low)
    inside = wording.interval(test.low, test.high, comparison.metric, digits=digits)
    first, second = comparison.names
    return f"{second} − {first} lies in {inside} (95 %, {wording.p_text(test.p_value)})."
