"""The test of two training procedures that counts other images and other trainings.

What it computes, with its sources, is told in `cifar_sk.statistics.procedure`.
"""

from __future__ import annotations

from cifar_sk.comparison.tests.protocol import TESTS, Finding
from cifar_sk.statistics import Spread, half_width, p_value

__all__ = ["procedure_test"]


def procedure_test(spread: Spread, *, confidence: float = 0.95) -> Finding:
    """Test whether the expected difference is 0, two-sided; where nothing varied, NaN."""
    estimate, half = float(spread.mean), float(half_width(spread, confidence))
    if not half > 0:
        return Finding(estimate)
    return Finding(estimate, estimate - half, estimate + half, p_value=p_value(spread))


@TESTS.register("procedure")
class ProcedureTest:
    """The procedure test as an entry of `TESTS`."""

    title = "Procedure test"
    question = "Would the procedures differ on other images, with other training runs?"
    needs = Spread

    def __call__(self, spread: Spread) -> Finding:
        """Test the difference against what it varies with."""
        return procedure_test(spread)
