"""Probabilities as text, for pages, figures, tables on a terminal, and sentences."""

from __future__ import annotations

import math

__all__ = ["probability_text"]


def probability_text(value: float, digits: int = 4, *, percent: bool = False) -> str:
    """Write a probability with so many digits after the point, but never as 0 or 1.

    A model that is very sure is not certain, and a posterior probability is never 0. What lies
    beyond the last digit is written as a bound, and NaN as a dash.

    >>> probability_text(0.123456), probability_text(1e-9), probability_text(1.0)
    ('0.1235', '< 0.0001', '> 0.9999')
    >>> probability_text(0.5, 0, percent=True), probability_text(0.9996, 1, percent=True)
    ('50 %', '> 99.9 %')
    """
    if math.isnan(value):
        return "–"
    scale, unit = (100, " %") if percent else (1, "")
    step = 10.0**-digits
    sign, shown = "", scale * value
    if shown < step:
        sign, shown = "< ", step
    elif shown > scale - step:
        sign, shown = "> ", scale - step
    return f"{sign}{shown:.{digits}f}{unit}"
