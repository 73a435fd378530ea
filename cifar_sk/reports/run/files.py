"""The files under results/: tables as CSV, figures as PNG, and one self-contained HTML page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError, reading
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.conformal import CONFORMAL_FILE, conformal_json
from cifar_sk.metrics.fold_table import beyond_range
from cifar_sk.metrics.interval_table import procedure_rows
from cifar_sk.metrics.tables import shares_of_rows
from cifar_sk.reports.run.figures import draw_figures
from cifar_sk.reports.run.page import CORRECTED, FOLD_COLUMNS, INTERVAL, render_page
from cifar_sk.reports.run.tables import RunTables
from cifar_sk.reports.templating import number, pair
from cifar_sk.runs.files import csv_bytes, unquoted, write_files
from cifar_sk.runs.own_files import OWN_FIGURES

__all__ = [
    "conformal_files",
    "mistake_files",
    "range_note",
    "rewrite_page",
    "score_files",
    "summary_table",
    "write_report",
    "write_tables",
]


def write_report(
    result: OOFResult,
    directory: str | os.PathLike[str],
    *,
    images: np.ndarray | None = None,
    info: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write tables, figures and the HTML report of a run into its folder.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.
    directory : path-like
        An existing folder.
    images : ndarray of shape (n_samples, h, w[, c]), default=None
        The images of the data set, uint8 or float in [0, 1]; c is 1, 3 or 4. With them come
        figures of samples and of mistakes, and pictures in the page.
    info : mapping, default=None
        What to say about the run, in this order: any names and values; a mapping as a value is
        listed within. ``title`` becomes the heading, and ``fallback``, a sentence, a warning
        above everything else. Everything is escaped.

    Returns
    -------
    list of Path
        The files written: ``fold_metrics.csv``, ``times.csv``, ``report.html`` and, unless every
        fold failed, ``intervals.csv``, ``variance_components.csv`` (where a repeat is complete),
        ``class_metrics.csv``, ``confusion_matrix.csv``, ``confusion_matrix_fold_00.csv`` and so
        on (counts), ``confusion_matrix_normalized.csv`` and so on (shares of the true class),
        ``best_params.csv`` (what a search chose in each fold, where there was one),
        ``conformal.csv`` and ``conformal.json`` (sets of classes: measured, and their thresholds),
        ``oof_predictions.csv``, ``classification_report.txt``, ``mistakes.csv``,
        ``confused_pairs.csv``, ``hardest_classes.csv``, ``label_issues.csv``, with images
        ``error_by_brightness.csv`` and ``error_by_contrast.csv``, and ``figures/*.png``.

    Raises
    ------
    InputError
        If `directory` is no folder, or there is not one image per sample.

    Notes
    -----
    Each file is replaced atomically. The same result gives the same bytes, and two identical
    runs the same tables but for ``times.csv``.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"directory must be an existing folder, got {str(folder)!r}; create it")
    return write_tables(RunTables(result, images), folder, info or {})


def write_tables(tables: RunTables, folder: Path, info: Mapping[str, Any]) -> list[Path]:
    """Write what `write_report` does of tables that a caller uses, too."""
    return write_files(folder, {**score_files(tables), **_page_files(tables, info)})


def rewrite_page(
    result: OOFResult,
    folder: Path,
    *,
    images: np.ndarray | None = None,
    info: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write page, figures, conformal sets and tables of mistakes again, and no table of scores."""
    tables = RunTables(result, images)
    if result.holdout_target is None and any(f.holdout_proba is not None for f in result.folds):
        tables.folds = _stored_fold_metrics(folder / "fold_metrics.csv", tables.folds)
    return write_files(folder, _page_files(tables, info or {}))


def _stored_fold_metrics(file: Path, computed: pd.DataFrame) -> pd.DataFrame:
    """Read the scores of a run that did not keep the labels of the official test split."""
    with reading(str(file), "scores by fold", "finish the run with --resume"):
        # As text first: pandas' own reading of floats may miss the last bit.
        table = pd.read_csv(file, dtype=str).map(unquoted, na_action="ignore")
        numbers = table.columns.drop(["row", "error", "basis"])
        table = table.astype(dict.fromkeys(numbers, "float64"))
        table = table.drop(columns=["fit_time", "score_time"], errors="ignore")  # once kept here
        if list(table["row"]) != list(computed["row"]) or not {*computed} <= {*table}:
            raise ValueError("rows or columns are missing")
        return table.astype(dict.fromkeys(["n_train", "n_test"], "Int64"))


def score_files(tables: RunTables) -> dict[str, bytes]:
    """Return what a run's folds scored, by file name."""
    contents = {"fold_metrics.csv": csv_bytes(tables.folds), "times.csv": csv_bytes(tables.times)}
    if not tables.result.scored:
        return contents
    contents["intervals.csv"] = csv_bytes(tables.intervals)
    if len(tables.components):
        contents["variance_components.csv"] = csv_bytes(tables.components)
    contents["class_metrics.csv"] = csv_bytes(tables.classes)
    if len(tables.best_params):
        contents["best_params.csv"] = csv_bytes(tables.best_params)
    parts = {"": tables.confusion, **{f"_{row}": c for row, c in tables.confusions.items()}}
    for suffix, counts in parts.items():
        shares = shares_of_rows(counts)
        contents[f"confusion_matrix{suffix}.csv"] = csv_bytes(counts, index=True)
        contents[f"confusion_matrix_normalized{suffix}.csv"] = csv_bytes(shares, index=True)
    contents["oof_predictions.csv"] = csv_bytes(tables.predictions)
    contents["classification_report.txt"] = tables.report_text.encode()
    return contents


def _page_files(tables: RunTables, info: Mapping[str, Any]) -> dict[str, bytes]:
    """Return tables of mistakes, figures and page, by file name."""
    figures = draw_figures(tables)
    own = [f"{figure.name}\n" for figure in figures if figure.is_own]
    return {
        # First, so that --overwrite knows them whatever happens.
        **({OWN_FIGURES: "".join(own).encode()} if own else {}),
        **mistake_files(tables),
        **conformal_files(tables),
        **{f"figures/{figure.name}.png": figure.png for figure in figures},
        "report.html": render_page(tables, figures, info).encode(),
    }


def mistake_files(tables: RunTables) -> dict[str, bytes]:
    """Return the tables of a run's mistakes, by file name."""
    if not tables.result.scored:
        return {}
    examples = [" ".join(map(str, samples)) for samples in tables.pairs["examples"]]
    frames = {
        "mistakes": tables.missed,
        "confused_pairs": tables.pairs.assign(examples=examples),
        "hardest_classes": tables.class_errors,
        "label_issues": tables.issues,
        **{f"error_by_{name}": table for name, table in tables.by_statistic.items()},
    }
    return {f"{name}.csv": csv_bytes(table) for name, table in frames.items()}


def conformal_files(tables: RunTables) -> dict[str, bytes]:
    """Return coverage and size of conformal sets, and their thresholds, by file name."""
    if not tables.result.scored:
        return {}
    return {
        "conformal.csv": csv_bytes(tables.conformal),
        CONFORMAL_FILE: conformal_json(tables.result).encode(),
    }


def summary_table(table: pd.DataFrame, intervals: pd.DataFrame | None = None) -> list[list[str]]:
    """Return the few lines that a terminal shows at the end of a run.

    Parameters
    ----------
    table : DataFrame
        As `cifar_sk.metrics.fold_metrics` returns it, or `RunTables.timed_folds`.
    intervals : DataFrame, default=None
        As `cifar_sk.metrics.interval_table.interval_table` returns it, for a row with the
        procedure's interval.

    Returns
    -------
    list of list of str
        Headings; a row per fold, with dashes for what there is not; mean ± std; the intervals.

    Examples
    --------
    >>> table = pd.DataFrame({"row": ["fold_00", "mean", "std", "ci95_low", "ci95_high"],
    ...                       "accuracy": [0.5, 0.5, 0.1, 0.4, 0.6]})
    >>> for row in summary_table(table):
    ...     print(row)
    ['fold', 'accuracy']
    ['fold_00', '0.5000']
    ['mean ± std over folds', '0.5000 ± 0.1000']
    ['corrected t interval', '0.4000 to 0.6000']
    """
    shown = {name: text for name, text in FOLD_COLUMNS.items() if name in table}
    values: dict[Any, Any] = table.set_index("row").to_dict()
    folds = [row for row in table["row"] if row.startswith("fold_")]
    rows = [["fold", *(heading for heading, _ in shown.values())]]
    for row in folds:
        rows.append([row, *(number(values[name][row], f) for name, (_, f) in shown.items())])
    summaries = {"mean ± std over folds": ("mean", "std", "±")}
    if intervals is not None:
        kept, unknown = procedure_rows(intervals), dict.fromkeys(("low", "high"), float("nan"))
        for name in shown:
            values[name] |= {end: kept.get(name, unknown)[end] for end in unknown}
        summaries[INTERVAL] = ("low", "high", "to")
    summaries[CORRECTED] = ("ci95_low", "ci95_high", "to")
    for title, (first, second, join) in summaries.items():
        columns = [(values[name], text) for name, (_, text) in shown.items()]
        rows.append([title, *(pair(c[first], c[second], join, text) for c, text in columns)])
    return rows


def range_note(table: pd.DataFrame) -> str:
    """Say below a `summary_table` which corrected t intervals leave a metric's range, if any."""
    beyond = [FOLD_COLUMNS[name][0] for name in beyond_range(table) if name in FOLD_COLUMNS]
    if not beyond:
        return ""
    return f"the corrected t interval does not know a metric's range: see {', '.join(beyond)}"
