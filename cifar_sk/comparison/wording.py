"""How numbers of a comparison are written in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_sk.metrics import METRICS

__all__ = [
    "ALPHA",
    "SURE",
    "amount",
    "digits_for",
    "interval",
    "listing",
    "metric_name",
    "p_text",
    "probability",
    "region",
    "signed",
]

ALPHA = 0.05  # p values below it are spoken of as findings
SURE = 0.95  # posterior probability from which a verdict is stated

# Scores from 0 to 1 that are shares of something: their differences are said in points.
_SHARES = {
    name
    for name in METRICS
    if name.startswith(("accuracy", "balanced", "top_3", "precision", "recall", "f1"))
}


def metric_name(metric: str) -> str:
    """Return what sentences call a metric."""
    return METRICS[metric].label


def amount(value: float, metric: str, *, digits: int = 1) -> str:
    """Write a difference without its sign.

    Examples
    --------
    >>> amount(0.1421, "accuracy"), amount(0.01, "accuracy"), amount(-0.25, "log_loss")
    ('14.2 points', '1.0 point', '0.2500')
    """
    if metric not in _SHARES:
        return f"{abs(value):.{digits + 3}f}"
    number = f"{abs(100 * value):.{digits}f}"
    return f"{number} point{'' if float(number) == 1 else 's'}"


def region(rope: float, metric: str) -> str:
    """Write the half-width of a region of practical equivalence, unrounded.

    Examples
    --------
    >>> region(0.01, "accuracy"), region(0.0025, "accuracy"), region(0.02, "log_loss")
    ('1 point', '0.25 points', '0.02')
    """
    if metric not in _SHARES:
        return f"{rope:g}"
    number = f"{100 * rope:g}"
    return f"{number} point{'' if number == '1' else 's'}"


def digits_for(width: float) -> int:
    """Return the digits after the point that show an interval of this width."""
    return 1 if not width < 0.01 else 2 if not width < 0.001 else 3


def signed(value: float, metric: str, *, digits: int = 1) -> str:
    """Write a difference with its sign.

    Examples
    --------
    >>> signed(-0.004, "accuracy"), signed(0.0, "accuracy")
    ('−0.4 points', '0.0 points')
    """
    text = amount(value, metric, digits=digits)
    is_zero = float(text.split()[0]) == 0
    return text if is_zero else f"{'−' if value < 0 else '+'}{text}"


def interval(low: float, high: float, metric: str, *, digits: int = 1) -> str:
    """Write an interval in the unit of `amount`.

    Examples
    --------
    >>> interval(-0.0123, 0.02, "accuracy")
    '[−1.2, 2.0]'
    """
    bounds = [signed(bound, metric, digits=digits).split()[0] for bound in (low, high)]
    return f"[{', '.join(bound.removeprefix('+') for bound in bounds)}]"


def p_text(p_value: float) -> str:
    """Write a p value, never as 0, nor rounded to the other side of 0.05.

    Examples
    --------
    >>> p_text(1e-9), p_text(0.0312), p_text(0.04996), p_text(0.4)
    ('p < 0.0001', 'p = 0.031', 'p = 0.04996', 'p = 0.40')
    """
    if p_value < 0.0001:
        return "p < 0.0001"
    digits = 4 if p_value < 0.001 else 3 if p_value < 0.1 else 2
    while digits < 8 and (float(f"{p_value:.{digits}f}") < ALPHA) != (p_value < ALPHA):
        digits += 1
    return f"p = {p_value:.{digits}f}"


def probability(value: float) -> str:
    """Write a probability, never as 0 or 1, nor rounded to the other side of 0.95.

    Examples
    --------
    >>> probability(0.99999), probability(0.9496), probability(0.3)
    ('> 0.999', '0.9496', '0.300')
    """
    if value > 0.999:
        return "> 0.999"
    if value < 0.001:
        return "< 0.001"
    digits = 3
    while digits < 8 and (float(f"{value:.{digits}f}") < SURE) != (value < SURE):
        digits += 1
    return f"{value:.{digits}f}"


def listing(names: Sequence[str]) -> str:
    """Join names.

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
