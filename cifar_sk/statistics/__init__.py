"""The statistics of a cross-validation: what its score varies with, and how surely it is known.

NumPy and SciPy alone; half-widths and intervals also take stacks of experiments, for simulations.
"""

from cifar_sk.statistics.components import shared_test_component, variance_components
from cifar_sk.statistics.power import Plan, Variances, plan
from cifar_sk.statistics.procedure import half_width, p_value, procedure_interval, uses_folds
from cifar_sk.statistics.sequential import pocock_level
from cifar_sk.statistics.spread import Spread, image_variance, spread_of

__all__ = [
    "Plan",
    "Spread",
    "Variances",
    "half_width",
    "image_variance",
    "p_value",
    "plan",
    "pocock_level",
    "procedure_interval",
    "shared_test_component",
    "spread_of",
    "uses_folds",
    "variance_components",
]
