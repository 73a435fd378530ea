"""The figures of a report: drawn, captioned, and described for those who cannot see them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from cifar_sk.displays import (
    ClassScoresDisplay,
    ConformalDisplay,
    ConfusedPairsDisplay,
    ConfusionDisplay,
    ErrorRateDisplay,
    LabelIssuesDisplay,
    LearningCurvesDisplay,
    ReliabilityDisplay,
    SampleGridDisplay,
)
from cifar_sk.errors import InputError
from cifar_sk.metrics.fold_table import fold_count
from cifar_sk.metrics.wording import probability_text
from cifar_sk.registry import Registry, own_code
from cifar_sk.reports.run.charts import reliability_summary
from cifar_sk.reports.run.tables import RunTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Drawing", "ReportFigure", "draw_figures", "finish"]

_DPI = 150
_CSS_PIXELS_PER_INCH = 96


class Drawing(NamedTuple):
    """A drawn figure, a caption, and what it says to those who cannot see it, in sentences."""

    figure: Figure
    caption: str
    alt: str


FIGURES: Registry[Callable[[RunTables], Drawing | Figure | None]] = Registry("figure")
"""Figures of a run's report by name; ``figures/NAME.png`` is the file.

A figure of your own is a function ``draw(tables)`` of `RunTables`, which hold the images too,
where there are any. It returns a `Drawing`; or a matplotlib Figure, whose caption is then the
first line of the function's docstring; or None where there is nothing to draw. Decorate it with
``@FIGURES.register("name")``, name it in an entry point of the group ``cifar_sk.figures``, or on
a command line: ``--figure mypkg.figures:draw``.
"""


@dataclass(frozen=True)
class ReportFigure:
    """A figure as a report holds it; `name` is the file's without ending, `width` CSS pixels.

    `is_own` says that another package draws it, so that the page knows nothing of it.
    """

    name: str
    caption: str
    alt: str
    png: bytes
    width: int
    is_own: bool = False

    @property
    def base64(self) -> str:
        """The picture as text, for a data URL."""
        return base64.b64encode(self.png).decode("ascii")


def finish(
    name: str, figure: Any, caption: str, alt: str, *, is_own: bool = False
) -> ReportFigure:
    """Make a drawn figure part of a report; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # By default the file would name the version of matplotlib.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    width = round(figure.get_figwidth() * _CSS_PIXELS_PER_INCH)
    return ReportFigure(name, caption, alt, buffer.getvalue(), width, is_own)


def draw_figures(tables: RunTables) -> list[ReportFigure]:
    """Draw what can be drawn of a run; nothing if every fold failed."""
    if not tables.result.scored:
        return []
    found = [_draw(name, draw, tables) for name, draw in FIGURES.items()]
    figures = [figure for figure in found if figure is not None]
    for row, counts in tables.confusions.items():
        fold = f"fold {int(row.removeprefix('fold_'))}"
        drawn = _confusion(counts, fold, f"Out-of-fold predictions of {fold}.")
        figures.append(finish(f"confusion_matrix_{row}", *drawn))
    return figures


def _draw(name: str, draw: Callable[[RunTables], Any], tables: RunTables) -> ReportFigure | None:
    from matplotlib.figure import Figure

    is_own = not getattr(draw, "__module__", "").startswith("cifar_sk.")
    with own_code("figure", name) if is_own else nullcontext():
        drawn = draw(tables)
    if isinstance(drawn, Figure):
        first_line = (draw.__doc__ or name).strip().partition("\n")[0]
        drawn = Drawing(drawn, first_line, first_line)
    if drawn is not None and not isinstance(drawn, Drawing):
        raise InputError(
            f"The figure {name!r} must return a matplotlib Figure, got {type(drawn).__name__}."
        )
    return None if drawn is None else finish(_file_name(name), *drawn, is_own=is_own)


def _file_name(name: str) -> str:
    """Return a figure's name as a file's; an import path has a colon, which Windows refuses."""
    file = name.replace(":", ".")
    if not re.fullmatch(r"\w[\w.-]*", file):
        raise InputError(f"The figure {name!r} is also a file; name it with letters and digits.")
    return file


@FIGURES.register("learning_curves")
def _curves(tables: RunTables) -> Drawing | None:
    measured = {name for fold in tables.result.folds for name, v in fold.history.items() if v}
    if not measured & {"loss", "accuracy", "val_loss", "val_accuracy"}:
        return None
    display = LearningCurvesDisplay.from_result(tables.result)
    epochs = display.frame().groupby("row")["epoch"].max()
    caption = (
        "Learning curves of every fold. The inner validation split is held out of the training "
        "fold; the scored fold appears in no curve. The mean ends where the first fold stops."
    )
    least, most = epochs.min(), epochs.max()
    alt = f"Line charts per epoch, {len(epochs)} folds trained for {least} to {most} epochs."
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("confusion_matrix")
def _confusion_counts(tables: RunTables) -> Drawing:
    return _confusion(tables.confusion, fold_count(tables.result), tables.note)


@FIGURES.register("confusion_matrix_normalized")
def _confusion_shares(tables: RunTables) -> Drawing:
    count = fold_count(tables.result)
    return _confusion(tables.confusion, count, tables.note, normalize=True)


def _confusion(counts: pd.DataFrame, which: str, held: str, *, normalize: bool = False) -> Drawing:
    title = f"Confusion matrix, {which}"
    display = ConfusionDisplay(counts, normalize=normalize, title=title).plot()
    errors = counts.to_numpy(copy=True)
    totals, names = errors.sum(axis=1), counts.index
    np.fill_diagonal(errors, 0)
    true, predicted = map(int, np.unravel_index(errors.argmax(), errors.shape))
    alt = (
        f"Heat map. Most frequent confusion: {names[true]} taken for {names[predicted]}, "
        f"{errors[true, predicted]} of {totals[true]} predictions."
        if errors.any()
        else "Heat map. No confusions: every prediction is right."
    )
    cells = "percentages of the true class" if normalize else "counts"
    caption = f"Confusion matrix, {cells}. {held} Colour is the share of the true class."
    return Drawing(display.figure_, caption, alt)


@FIGURES.register("class_scores")
def _class_scores(tables: RunTables) -> Drawing:
    display = ClassScoresDisplay(tables.class_f1)
    mean = display.frame()["mean"].dropna()
    alt = (
        f"Dot plot. Best class {mean.index[0]} with mean F1 {mean.iloc[0]:.3f}, worst "
        f"{mean.index[-1]} with {mean.iloc[-1]:.3f}."
    )
    caption = "F1 of every class in every fold, best class first, and the mean over folds."
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("reliability")
def _reliability(tables: RunTables) -> Drawing:
    display = ReliabilityDisplay(tables.calibration)
    summary = reliability_summary(display.frame())
    alt = f"Accuracy against confidence in bins, with sample counts. {summary}"
    caption = (
        f"Reliability diagram. {tables.note} Below the diagonal the model is "
        "overconfident; the bars count the predictions in each bin."
    )
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("conformal_sets")
def _conformal(tables: RunTables) -> Drawing | None:
    if tables.conformal["coverage"].isna().all():
        return None
    display = ConformalDisplay(tables.conformal)
    table = display.frame().query("row == 'all'")
    parts = (
        f"{row['method'].upper()} {row['coverage']:.1%} with {row['mean_size']:.2f} classes"
        for row in table.to_dict("records")
    )
    alt = f"Dot plots by class. Sets of all images hold the true class: {'; '.join(parts)}."
    caption = (
        "How often a set of 90 % confidence holds the true class, and how many classes it has, by "
        "three methods. The threshold of each fold comes from the other folds."
    )
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("error_by_brightness_and_contrast")
def _error_rates(tables: RunTables) -> Drawing | None:
    if tables.images is None:
        return None
    rates = {name: table["error_rate"] for name, table in tables.by_statistic.items()}
    parts = (f"by {name} from {r.min():.3f} to {r.max():.3f}" for name, r in rates.items())
    alt = f"Line charts. The error rate goes {' and '.join(parts)}."
    caption = (
        "Error rate in bins of equally many images, by the mean and the standard deviation of "
        "their luma, with Wilson intervals. A trend shows what goes together, not what causes it."
    )
    return Drawing(ErrorRateDisplay(tables.by_statistic).plot().figure_, caption, alt)


@FIGURES.register("samples")
def _samples(tables: RunTables) -> Drawing | None:
    if tables.images is None:
        return None
    display = SampleGridDisplay.at_random(tables.samples, tables.images)
    right = int(display.frame()["is_correct"].sum())
    alt = f"Grid of images; {right} of {len(display.frame())} are classified correctly."
    caption = "Samples drawn at random (seed 0) with their out-of-fold predictions."
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("confident_mistakes")
def _mistakes(tables: RunTables) -> Drawing | None:
    if tables.images is None or tables.samples["is_correct"].all():
        return None
    display = SampleGridDisplay.mistakes_among(tables.samples, tables.images)
    first = display.frame().iloc[0]
    alt = (
        f"Grid of images. The most confident mistake is a {first['true']} taken for "
        f"{first['predicted']} with probability {probability_text(first['confidence'], 2)}."
    )
    caption = "The wrong out-of-fold predictions with the highest probability."
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("confused_pairs")
def _pairs(tables: RunTables) -> Drawing | None:
    if tables.images is None or tables.pairs.empty:
        return None
    display = ConfusedPairsDisplay(tables.pairs.head(8), tables.images)
    first = display.frame().iloc[0]
    alt = f"Rows of images. {first['true']} is taken for {first['predicted']} {first['n']} times."
    caption = "The most frequent confusions, each with its most confident mistakes."
    return Drawing(display.plot().figure_, caption, alt)


@FIGURES.register("label_issues")
def _label_issues(tables: RunTables) -> Drawing | None:
    if tables.images is None or tables.issues.empty:
        return None
    display = LabelIssuesDisplay.of_issues(tables.issues, tables.images)
    first = display.frame().iloc[0]
    alt = f"Grid of images. The most suspicious {first['true']} may be a {first['predicted']}."
    caption = "Labels that confident learning suspects; only looking at the images decides."
    return Drawing(display.plot().figure_, caption, alt)
