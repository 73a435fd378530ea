"""The HTML page of a report: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import METRICS, fold_metrics, pooled_accuracy, pooling_note, row_name
from cifar_sk.metrics.fold_table import fold_count
from cifar_sk.reports.run.charts import class_bars, matrix_rows, reliability_marks
from cifar_sk.reports.run.figures import ReportFigure
from cifar_sk.reports.run.mistake_tables import MistakeTables
from cifar_sk.reports.run.page_data import page_data, script_json
from cifar_sk.reports.run.thumbnails import Thumbnails
from cifar_sk.reports.run.tiles import TileMaker, galleries, pair_rows
from cifar_sk.reports.templating import number, pair, plain_text, render

__all__ = ["FOLD_COLUMNS", "INTERVAL", "render_page"]

INTERVAL = "95 % interval (Nadeau–Bengio)"

# Column of fold_metrics to heading and format, for places where few columns fit.
FOLD_COLUMNS = {
    "accuracy": ("accuracy", "{:.4f}"),
    "f1_macro": ("macro F1", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "n_epochs": ("epochs", "{:.0f}"),
    "fit_time": ("fit time, s", "{:.1f}"),
}


def render_page(
    result: OOFResult,
    figures: Sequence[ReportFigure],
    info: Mapping[str, Any],
    *,
    table: pd.DataFrame | None = None,
    mistakes: MistakeTables | None = None,
    images: np.ndarray | None = None,
) -> str:
    """Return the page as text.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.
    figures : sequence of ReportFigure
        As `cifar_sk.reports.run.figures.draw_figures` returns them; the page shows those that it
        does not draw itself.
    info : mapping
        As for `cifar_sk.write_report`.
    table : DataFrame, default=None
        As `cifar_sk.metrics.fold_metrics` returns it; None computes it.
    mistakes : MistakeTables, default=None
        Of the same run; None computes them.
    images : ndarray of shape (n_samples, h, w[, c]), default=None
        The images of the data set.

    Returns
    -------
    str
        HTML5 with style, script, data and images inside; its Content-Security-Policy keeps it
        from loading anything. Names and values from outside are escaped.
    """
    table = fold_metrics(result) if table is None else table
    parts = _scored_parts(result, figures, table, mistakes, images) if result.scored else {}
    return render(
        "report.html.jinja",
        scripts=["tables.js", "matrix.js"] if parts else ["tables.js"],
        title=info.get("title", "Cross-validation report"),
        fallback=info.get("fallback"),
        info=[(key, plain_text(info[key])) for key in info if key not in {"title", "fallback"}],
        count=fold_count(result),
        n_missing=result.n_expected - len(result.folds),
        failed=[{"name": row_name(fold), "error": fold.error} for fold in result.failed],
        interval=INTERVAL,
        metrics=_metric_rows(table),
        has_test_split="test_split_accuracy" in table,
        fold_headings=[heading for heading, _ in FOLD_COLUMNS.values()],
        folds=_fold_rows(table),
        note=pooling_note(result),
        scored=parts,
    )


def _scored_parts(
    result: OOFResult,
    figures: Sequence[ReportFigure],
    table: pd.DataFrame,
    mistakes: MistakeTables | None,
    images: np.ndarray | None,
) -> dict[str, Any]:
    """Collect what there is only where a fold has predictions."""
    mistakes = mistakes or MistakeTables.from_result(result, images)
    thumbnails = None if images is None else Thumbnails(images)
    maker = TileMaker(result, thumbnails)
    return {
        "headline": _headline(result, table),
        "figures": {figure.name: figure for figure in figures},
        "matrix": matrix_rows(result),
        "names": result.class_names,
        "fold_names": [row_name(fold) for fold in result.scored],
        "data": script_json(page_data(result, thumbnails)),
        "classes": class_bars(result),
        "hardest": mistakes.classes.set_index("class").to_dict("index"),
        "reliability": reliability_marks(result),
        "pairs": pair_rows(mistakes.pairs, maker),
        "n_pairs": len(mistakes.pairs),
        "galleries": galleries(result, maker, mistakes.missed, mistakes.issues),
        "pixelated": thumbnails is not None and thumbnails.is_pixelated,
        "has_images": images is not None,
    }


def _headline(result: OOFResult, table: pd.DataFrame) -> dict[str, str]:
    accuracy = table.set_index("row")["accuracy"]
    pooled = pooled_accuracy(result)
    return {
        "mean": number(accuracy["mean"]),
        "std": number(accuracy["std"]),
        "interval": pair(accuracy["ci95_low"], accuracy["ci95_high"], "to"),
        "pooled": number(pooled.estimate),
        "pooled_interval": pair(pooled.low, pooled.high, "to"),
    }


def _metric_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    by_row = table.set_index("row")
    rows = []
    for name in (name for name in METRICS if name in table):
        column, test = by_row[name], by_row.get(f"test_split_{name}")
        rows.append(
            {
                "label": METRICS[name].label,
                "better": "higher" if METRICS[name].greater_is_better else "lower",
                "mean": pair(column["mean"], column["std"], "±"),
                "interval": pair(column["ci95_low"], column["ci95_high"], "to"),
                "test": "" if test is None else pair(test["mean"], test["std"], "±"),
            }
        )
    return rows


def _fold_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    folds = table[table["row"].str.startswith("fold_")]
    columns = [("n_train", "{}"), ("n_test", "{}")]
    columns += [(name, text) for name, (_, text) in FOLD_COLUMNS.items()]
    return [
        {
            "row": fold["row"],
            "cells": [(number(fold[name], text), _sort_key(fold[name])) for name, text in columns],
        }
        for fold in folds.to_dict("records")
    ]


def _sort_key(value: Any) -> str:
    return "" if pd.isna(value) else repr(float(value))
