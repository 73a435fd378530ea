"""Tables drawn with matplotlib, in scikit-learn's Display pattern.

``from_result`` computes, ``plot`` only draws and returns the display, ``frame`` gives the
numbers. Nothing here touches pyplot; in a notebook, ``display.figure_`` shows the figure.
"""

from cifar_sk.displays.class_displays import ClassScoresDisplay, ConfusionDisplay
from cifar_sk.displays.curve_displays import LearningCurvesDisplay, ReliabilityDisplay
from cifar_sk.displays.image_displays import SampleGridDisplay
from cifar_sk.displays.mistake_displays import (
    ConfusedPairsDisplay,
    ErrorRateDisplay,
    LabelIssuesDisplay,
    OutcomesDisplay,
)
from cifar_sk.displays.study_displays import ParallelCoordinatesDisplay, SliceDisplay

__all__ = [
    "ClassScoresDisplay",
    "ConfusedPairsDisplay",
    "ConfusionDisplay",
    "ErrorRateDisplay",
    "LabelIssuesDisplay",
    "LearningCurvesDisplay",
    "OutcomesDisplay",
    "ParallelCoordinatesDisplay",
    "ReliabilityDisplay",
    "SampleGridDisplay",
    "SliceDisplay",
]
