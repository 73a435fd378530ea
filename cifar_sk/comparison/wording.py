"""Numbers of a comparison as text in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_sk.metrics import METRICS
from cifar_sk.metrics.wording import probability_text

__all__ = [
    "ALPHA",
    "SURE",
    "amount",
    "digits_for",
    "interval",
    "listing",
    "metric_name",
    "p_text",
    "percent",
    "probability",
    "region",
    "signed",
    "unit",
]

ALPHA = 0.05  # p values below it are spoken of as findings
SURE = 0.95  # posterior probability from which a verdict is stated

# Metrics that are shares from 0 to 1: their differences are written in points.
_SHARES = ("accuracy", "balanced", "top_3", "precision", "recall", "f1")


def metric_name(metric: str) -> str:
    """Return what sentences call a metric."""
    return METRICS[metric].label


def unit(metric: str) -> float:
    """Return what one point of a metric is: 0.01 of a share, and 1 of what is none."""
    return 0.01 if metric.startswith(_SHARES) else 1.0


def percent(level: float) -> str:
    """Write the confidence of an interval.

    >>> percent(0.05), percent(0.0106)
    ('95 %', '98.94 %')
    """
    return f"{100 * (1 - level):.4g} %"


def amount(value: float, metric: str, *, digits: int = 1) -> str:
    """Write a difference without its sign: 14.2 points, or 0.2500 of a loss."""
    if unit(metric) == 1:
        return f"{abs(value):.{digits + 3}f}"
    number = f"{abs(100 * value):.{digits}f}"
    return f"{number} point{'' if float(number) == 1 else 's'}"


def region(rope: float, metric: str) -> str:
    """Write the half-width of a region of practical equivalence, unrounded."""
    if unit(metric) == 1:
        return f"{rope:g}"
    number = f"{100 * rope:g}"
    return f"{number} point{'' if number == '1' else 's'}"


def digits_for(width: float) -> int:
    """Return the digits after the point that show an interval of this width."""
    return 1 if not width < 0.01 else 2 if not width < 0.001 else 3


def signed(value: float, metric: str, *, digits: int = 1) -> str:
    """Write a difference with its sign."""
    text = amount(value, metric, digits=digits)
    is_zero = float(text.split()[0]) == 0
    return text if is_zero else f"{'−' if value < 0 else '+'}{text}"


def interval(low: float, high: float, metric: str, *, digits: int = 1) -> str:
    """Write an interval in the unit of `amount`."""
    bounds = [signed(bound, metric, digits=digits).split()[0] for bound in (low, high)]
    return f"[{', '.join(bound.removeprefix('+') for bound in bounds)}]"


def p_text(p_value: float) -> str:
    """Write a p value, never as 0 or 1, nor rounded to the other side of 0.05."""
    if p_value < 0.0001:
        return "p < 0.0001"
    if p_value > 0.99:
        return "p > 0.99"
    digits = 4 if p_value < 0.001 else 3 if p_value < 0.1 else 2
    # 0.0496 would read as 0.05, beside a sentence that calls it a finding.
    while digits < 8 and (float(f"{p_value:.{digits}f}") < ALPHA) != (p_value < ALPHA):
        digits += 1
    return f"p = {p_value:.{digits}f}"


def probability(value: float, digits: int = 3) -> str:
    """Write a posterior probability, never as 0 or 1, nor rounded to the other side of 0.95."""
    while digits < 8 and (float(f"{value:.{digits}f}") < SURE) != (value < SURE):
        digits += 1
    return probability_text(value, digits)


def listing(names: Sequence[str]) -> str:
    """Join names by commas and an "and"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
