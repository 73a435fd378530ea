"""Tables drawn with matplotlib, in scikit-learn's Display pattern.

``from_result`` computes, ``plot`` only draws and returns the display, ``frame`` gives the
numbers. Nothing here touches pyplot; in a notebook, ``display.figure_`` shows the figure.
"""

from cifar_sk.displays.attribution_displays import AttributionDisplay
from cifar_sk.displays.class_displays import ClassScoresDisplay, ConfusionDisplay
from cifar_sk.displays.comparison_displays import (
    CriticalDifferenceDisplay,
    DifferencesDisplay,
    FoldScoresDisplay,
    OutcomesDisplay,
    PosteriorDisplay,
)
from cifar_sk.displays.conformal_displays import ConformalDisplay
from cifar_sk.displays.curve_displays import (
    ErrorRateDisplay,
    LearningCurvesDisplay,
    ReliabilityDisplay,
)
from cifar_sk.displays.image_displays import (
    ConfusedPairsDisplay,
    LabelIssuesDisplay,
    SampleGridDisplay,
)
from cifar_sk.displays.interpret_displays import FilterDisplay, MaximisationDisplay
from cifar_sk.displays.study_displays import ParallelCoordinatesDisplay, SliceDisplay

__all__ = [
    "AttributionDisplay",
    "ClassScoresDisplay",
    "ConformalDisplay",
    "ConfusedPairsDisplay",
    "ConfusionDisplay",
    "CriticalDifferenceDisplay",
    "DifferencesDisplay",
    "ErrorRateDisplay",
    "FilterDisplay",
    "FoldScoresDisplay",
    "LabelIssuesDisplay",
    "LearningCurvesDisplay",
    "MaximisationDisplay",
    "OutcomesDisplay",
    "ParallelCoordinatesDisplay",
    "PosteriorDisplay",
    "ReliabilityDisplay",
    "SampleGridDisplay",
    "SliceDisplay",
]
