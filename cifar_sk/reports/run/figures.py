"""The figures of a report: drawn, captioned, and described for those who cannot see them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifar_sk.displays import (
    ClassScoresDisplay,
    ConfusedPairsDisplay,
    ConfusionDisplay,
    ErrorRateDisplay,
    LabelIssuesDisplay,
    LearningCurvesDisplay,
    ReliabilityDisplay,
    SampleGridDisplay,
)
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import pooling_note, row_name
from cifar_sk.reports.run.charts import reliability_summary
from cifar_sk.reports.run.mistake_tables import MistakeTables

__all__ = ["ReportFigure", "draw_figures", "finish"]

_DPI = 150
_CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class ReportFigure:
    """A drawn figure.

    Attributes
    ----------
    name : str
        File name, without its ending.
    caption, alt : str
        What it shows, for all; and what it says, for those who cannot see it.
    png : bytes
        The picture; the same figure gives the same bytes.
    width : int
        Natural width, CSS pixels.
    """

    name: str
    caption: str
    alt: str
    png: bytes
    width: int

    @property
    def base64(self) -> str:
        """The picture as text, for a data URL."""
        return base64.b64encode(self.png).decode("ascii")


def draw_figures(
    result: OOFResult,
    images: np.ndarray | None = None,
    mistakes: MistakeTables | None = None,
) -> list[ReportFigure]:
    """Draw what can be drawn of a run.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.
    images : ndarray of shape (n_samples, h, w[, c]), default=None
        The images of the data set.
    mistakes : MistakeTables, default=None
        Of the same run and images, where they are known already.

    Returns
    -------
    list of ReportFigure
        Empty if every fold failed.

    Raises
    ------
    InputError
        If there is not one image per sample.
    """
    if not result.scored:
        return []
    figures = [_curves(result)] if any(_has_curves(fold.history) for fold in result.folds) else []
    figures += [_confusion(result), _confusion(result, normalize=True)]
    figures += [_confusion(result, fold) for fold in result.scored]
    figures += [_class_scores(result), _reliability(result)]
    if images is not None:
        known = mistakes or MistakeTables.from_result(result, images)
        figures += _image_figures(result, images, known)
    return figures


def _image_figures(
    result: OOFResult, images: np.ndarray, mistakes: MistakeTables
) -> list[ReportFigure]:
    figures = [_error_rates(mistakes), _samples(result, images)]
    if _has_mistakes(result):
        figures.append(_mistakes(result, images))
    if len(mistakes.pairs):
        figures.append(_pairs(mistakes, images))
    if len(mistakes.issues):
        figures.append(_label_issues(result, images))
    return figures


def _has_curves(history: dict[str, list[float]]) -> bool:
    return any(history.get(name) for name in ("loss", "accuracy", "val_loss", "val_accuracy"))


def _has_mistakes(result: OOFResult) -> bool:
    proba = result.oof_proba
    known = np.isfinite(proba).all(axis=1)
    return bool((proba[known].argmax(axis=1) != result.target[known]).any())


def finish(name: str, figure: Any, caption: str, alt: str) -> ReportFigure:
    """Make a drawn figure part of a report.

    Parameters
    ----------
    name, caption, alt : str
        As `ReportFigure` has them.
    figure : matplotlib Figure
        Drawn.

    Returns
    -------
    ReportFigure
    """
    buffer = io.BytesIO()
    options: dict[str, Any] = {"dpi": _DPI, "metadata": {"Software": None}}  # same bytes anywhere
    figure.savefig(buffer, format="png", **options)
    width = round(figure.get_figwidth() * _CSS_PIXELS_PER_INCH)
    return ReportFigure(name, caption, alt, buffer.getvalue(), width)


def _curves(result: OOFResult) -> ReportFigure:
    display = LearningCurvesDisplay.from_result(result).plot()
    epochs = display.frame().groupby("row")["epoch"].max()
    caption = (
        "Learning curves of every fold. The inner validation split is held out of the training "
        "fold; the scored fold appears in no curve. The mean ends where the first fold stops."
    )
    alt = (
        f"Line charts per epoch, {len(epochs)} folds trained for {epochs.min()} to "
        f"{epochs.max()} epochs."
    )
    return finish("learning_curves", display.figure_, caption, alt)


def _confusion(
    result: OOFResult, fold: FoldResult | None = None, *, normalize: bool = False
) -> ReportFigure:
    index = None if fold is None else fold.index
    display = ConfusionDisplay.from_result(result, index, normalize=normalize).plot()
    counts = display.counts.to_numpy(copy=True)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    names = result.class_names
    alt = (
        f"Heat map. Most frequent confusion: {names[true]} taken for {names[predicted]}, "
        f"{counts[true, predicted]} of {totals[true]} predictions."
        if counts.any()
        else "Heat map. No confusions: every prediction is right."
    )
    held = pooling_note(result) if fold is None else f"Out-of-fold predictions of fold {index}."
    cells = "percentages of the true class" if normalize else "counts"
    caption = f"Confusion matrix, {cells}. {held} Colour is the share of the true class."
    name = "confusion_matrix" + ("_normalized" if normalize else "")
    name += "" if fold is None else f"_{row_name(fold)}"
    return finish(name, display.figure_, caption, alt)


def _class_scores(result: OOFResult) -> ReportFigure:
    display = ClassScoresDisplay.from_result(result).plot()
    mean = display.frame()["mean"].dropna()
    alt = (
        f"Dot plot. Best class {mean.index[0]} with mean F1 {mean.iloc[0]:.3f}, worst "
        f"{mean.index[-1]} with {mean.iloc[-1]:.3f}."
    )
    caption = "F1 of every class in every fold, best class first, and the mean over folds."
    return finish("class_scores", display.figure_, caption, alt)


def _reliability(result: OOFResult) -> ReportFigure:
    display = ReliabilityDisplay.from_result(result).plot()
    alt = (
        "Accuracy against confidence in bins, with sample counts. "
        f"{reliability_summary(display.frame())}"
    )
    caption = (
        f"Reliability diagram. {pooling_note(result)} Below the diagonal the model is "
        "overconfident; the bars count the predictions in each bin."
    )
    return finish("reliability", display.figure_, caption, alt)


def _error_rates(mistakes: MistakeTables) -> ReportFigure:
    display = ErrorRateDisplay(mistakes.by_statistic).plot()
    parts = [
        f"by {name} from {rate.min():.3f} to {rate.max():.3f}"
        for name, rate in ((n, table["error_rate"]) for n, table in mistakes.by_statistic.items())
    ]
    alt = f"Line charts. The error rate goes {' and '.join(parts)}."
    caption = (
        "Error rate in bins of equally many images, by the mean and the standard deviation of "
        "their luma, with Wilson intervals. A trend shows what goes together, not what causes it."
    )
    return finish("error_by_brightness_and_contrast", display.figure_, caption, alt)


def _pairs(mistakes: MistakeTables, images: np.ndarray) -> ReportFigure:
    display = ConfusedPairsDisplay(mistakes.pairs.head(8), images).plot()
    first = display.frame().iloc[0]
    alt = f"Rows of images. {first['true']} is taken for {first['predicted']} {first['n']} times."
    caption = "The most frequent confusions, each with its most confident mistakes."
    return finish("confused_pairs", display.figure_, caption, alt)


def _label_issues(result: OOFResult, images: np.ndarray) -> ReportFigure:
    display = LabelIssuesDisplay.from_result(result, images).plot()
    first = display.frame().iloc[0]
    alt = f"Grid of images. The most suspicious {first['true']} may be a {first['predicted']}."
    caption = "Labels that confident learning suspects; only looking at the images decides."
    return finish("label_issues", display.figure_, caption, alt)


def _samples(result: OOFResult, images: np.ndarray) -> ReportFigure:
    display = SampleGridDisplay.from_result(result, images).plot()
    right = int(display.frame()["is_correct"].sum())
    alt = f"Grid of images; {right} of {len(display.frame())} are classified correctly."
    caption = "Samples drawn at random (seed 0) with their out-of-fold predictions."
    return finish("samples", display.figure_, caption, alt)


def _mistakes(result: OOFResult, images: np.ndarray) -> ReportFigure:
    display = SampleGridDisplay.most_confident_mistakes(result, images).plot()
    first = display.frame().iloc[0]
    alt = (
        f"Grid of images. The most confident mistake is a {first['true']} taken for "
        f"{first['predicted']} with probability {first['confidence']:.2f}."
    )
    caption = "The wrong out-of-fold predictions with the highest probability."
    return finish("confident_mistakes", display.figure_, caption, alt)
