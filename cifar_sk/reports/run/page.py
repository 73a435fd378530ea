"""The HTML page of a report: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cifar_sk.displays.drawing import label
from cifar_sk.metrics import METRICS
from cifar_sk.metrics.fold_table import beyond_range, fold_count, row_name
from cifar_sk.metrics.interval_table import few_groups_note, procedure_rows
from cifar_sk.reports.run.charts import class_bars, matrix_rows, reliability_marks
from cifar_sk.reports.run.figures import ReportFigure
from cifar_sk.reports.run.page_data import page_data, script_json
from cifar_sk.reports.run.tables import RunTables
from cifar_sk.reports.run.thumbnails import Thumbnails
from cifar_sk.reports.run.tiles import TileMaker, galleries, pair_rows
from cifar_sk.reports.templating import number, pair, plain_text, render

__all__ = ["CORRECTED", "FOLD_COLUMNS", "INTERVAL", "render_page"]

_MAX_NAME = 80  # characters of a class name
INTERVAL = "95 % interval, procedure"
CORRECTED = "corrected t interval"

# Column of RunTables.timed_folds to heading and format, for places where few columns fit.
FOLD_COLUMNS = {
    "accuracy": ("accuracy", "{:.4f}"),
    "f1_macro": ("macro F1", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "n_epochs": ("epochs", "{:.0f}"),
    "fit_time": ("fit time, s", "{:.1f}"),
}


def render_page(
    tables: RunTables, figures: Sequence[ReportFigure], info: Mapping[str, Any]
) -> str:
    """Return the page as HTML5 that loads nothing; text from outside is escaped.

    It shows those of the figures that it does not draw itself.
    """
    tables = _with_short_names(tables)
    result, folds = tables.result, tables.folds
    procedure = _of_procedure(tables)
    parts = _scored_parts(tables, figures, procedure) if result.scored else {}
    said = [(key, plain_text(info[key])) for key in info if key not in {"title", "fallback"}]
    if tables.copies:
        said.append(("copies across folds", tables.copies))
    return render(
        "report.html.jinja",
        scripts=["tables.js", "matrix.js"] if parts else ["tables.js"],
        title=info.get("title", "Cross-validation report"),
        fallback=info.get("fallback"),
        info=said,
        count=fold_count(result),
        n_missing=result.n_expected - len(result.folds),
        failed=[{"name": row_name(fold), "error": fold.error} for fold in result.failed],
        interval=INTERVAL,
        metrics=_metric_rows(folds, procedure),
        varies=procedure.get("accuracy", {}).get("varies", ""),
        few_groups=few_groups_note(result),
        beyond=", ".join(METRICS[name].label for name in beyond_range(folds)),
        components=_component_rows(tables),
        has_test_split="test_split_accuracy" in folds,
        fold_headings=[heading for heading, _ in FOLD_COLUMNS.values()],
        folds=_fold_rows(tables.timed_folds),
        note=tables.note,
        scored=parts,
    )


def _with_short_names(tables: RunTables) -> RunTables:
    """Shorten class names of paragraphs, which stand beside every picture; they stay distinct."""
    names = tables.result.class_names
    if max(map(len, names), default=0) <= _MAX_NAME:
        return tables
    is_long = [len(name) > _MAX_NAME for name in names]
    numbered = [f"{label(name, _MAX_NAME)} ({k})" for k, name in enumerate(names)]
    chosen = zip(names, numbered, is_long, strict=True)
    short = tuple(number if long else name for name, number, long in chosen)
    shown = RunTables(replace(tables.result, class_names=short), tables.images)
    shown.folds = tables.folds
    return shown


def _scored_parts(
    tables: RunTables,
    figures: Sequence[ReportFigure],
    procedure: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Collect what there is only where a fold has predictions."""
    thumbnails = None if tables.images is None else Thumbnails(tables.images)
    maker = TileMaker(tables.result, thumbnails)
    return {
        "headline": _headline(tables, procedure["accuracy"]),
        "figures": {figure.name: figure for figure in figures},
        "own_figures": [figure for figure in figures if figure.is_own],
        "matrix": matrix_rows(tables),
        "names": tables.result.class_names,
        "fold_names": [*tables.confusions],
        "data": script_json(page_data(tables.result, thumbnails)),
        "classes": class_bars(tables),
        "hardest": tables.class_errors.set_index("class").to_dict("index"),
        "reliability": reliability_marks(tables),
        "conformal": tables.conformal.set_index("row").query("method == 'lac'").loc["all"].iloc[0],
        "pairs": pair_rows(tables.pairs, maker),
        "n_pairs": len(tables.pairs),
        "galleries": galleries(tables, maker),
        "pixelated": thumbnails is not None and thumbnails.is_pixelated,
        "has_images": thumbnails is not None,
    }


def _headline(tables: RunTables, procedure: Mapping[str, Any]) -> dict[str, str]:
    accuracy, pooled = tables.folds.set_index("row")["accuracy"], tables.accuracy
    return {
        "mean": number(accuracy["mean"]),
        "std": number(accuracy["std"]),
        "interval": pair(procedure["low"], procedure["high"], "to"),
        "corrected": pair(accuracy["ci95_low"], accuracy["ci95_high"], "to"),
        "pooled": number(pooled.estimate),
        "pooled_interval": pair(pooled.low, pooled.high, "to"),
        "resampled": "images" if tables.result.groups is None else "groups of images",
    }


def _of_procedure(tables: RunTables) -> dict[str, dict[str, Any]]:
    """Return the interval of the procedure's expected score, by metric."""
    if not tables.result.scored:
        return {}
    return procedure_rows(tables.intervals)


def _component_rows(tables: RunTables) -> list[dict[str, str]]:
    """Return what the accuracy varies with, a row per source."""
    if not tables.result.scored or not len(tables.components):
        return []
    rows = tables.components[tables.components["metric"] == "accuracy"].to_dict("records")
    return [
        {
            "source": str(row["source"]),
            "sd": number(row["sd"]),
            "interval": pair(row["low"], row["high"], "to"),
            "share": "–" if pd.isna(row["share"]) else f"{100 * row['share']:.0f} %",
            "basis": str(row["basis"]),
        }
        for row in rows
    ]


def _metric_rows(
    table: pd.DataFrame, procedure: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    by_row = table.set_index("row")
    rows = []
    # A metric of another package may be registered that the run was not scored by.
    for name in (name for name in METRICS if name in table):
        column, test = by_row[name], by_row.get(f"test_split_{name}")
        rows.append(
            {
                "label": METRICS[name].label,
                "better": "higher" if METRICS[name].greater_is_better else "lower",
                "mean": pair(column["mean"], column["std"], "±"),
                "interval": pair(*_bounds(procedure.get(name, {})), "to"),
                "corrected": pair(column["ci95_low"], column["ci95_high"], "to"),
                "test": "" if test is None else pair(test["mean"], test["std"], "±"),
            }
        )
    return rows


def _bounds(row: Mapping[str, Any]) -> tuple[float, float]:
    return float(row.get("low", "nan")), float(row.get("high", "nan"))


def _fold_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    folds = table[table["row"].str.startswith("fold_")]
    columns = [("n_train", "{}"), ("n_test", "{}")]
    columns += [(name, text) for name, (_, text) in FOLD_COLUMNS.items()]
    rows = []
    for fold in folds.to_dict("records"):
        # Sorted by all digits: cells that look alike may differ.
        keys = ["" if pd.isna(fold[name]) else repr(float(fold[name])) for name, _ in columns]
        cells = [number(fold[name], text) for name, text in columns]
        rows.append({"row": fold["row"], "cells": list(zip(cells, keys, strict=True))})
    return rows
