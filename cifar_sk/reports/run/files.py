"""The files under results/: tables as CSV, figures as PNG, and one self-contained HTML page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import (
    best_params_table,
    class_metrics,
    classification_report_text,
    confusion_table,
    fold_metrics,
    oof_predictions,
    row_name,
)
from cifar_sk.reports.run.figures import draw_figures
from cifar_sk.reports.run.mistake_tables import MistakeTables
from cifar_sk.reports.run.page import FOLD_COLUMNS, INTERVAL, render_page
from cifar_sk.reports.templating import number, pair
from cifar_sk.runs.files import csv_bytes, write_files

__all__ = ["rewrite_page", "summary_table", "write_report"]


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
        The files written: ``fold_metrics.csv``, ``report.html`` and, unless every fold failed,
        ``class_metrics.csv``, ``confusion_matrix.csv``, ``confusion_matrix_fold_00.csv`` and so
        on (counts), ``confusion_matrix_normalized.csv`` and so on (shares of the true class),
        ``best_params.csv`` (what a search chose in each fold, where there was one),
        ``oof_predictions.csv``, ``classification_report.txt``, ``mistakes.csv``,
        ``confused_pairs.csv``, ``hardest_classes.csv``, ``label_issues.csv``, with images
        ``error_by_brightness.csv`` and ``error_by_contrast.csv``, and ``figures/*.png``.

    Raises
    ------
    InputError
        If `directory` is no folder, or there is not one image per sample.

    Notes
    -----
    Each file is replaced atomically. The same result gives the same bytes.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"directory must be an existing folder, got {str(folder)!r}; create it")
    table = fold_metrics(result)
    contents = {"fold_metrics.csv": csv_bytes(table)}
    if result.scored:
        contents |= _tables(result)
    contents |= _analysis(result, table, images, info or {})
    return write_files(folder, contents)


def rewrite_page(
    result: OOFResult,
    directory: str | os.PathLike[str],
    *,
    images: np.ndarray | None = None,
    info: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write page, figures and tables of mistakes of a finished run again.

    Parameters
    ----------
    result : OOFResult
        As `cifar_sk.runs.reading.read_run` reads it.
    directory : path-like
        The run folder. Its ``fold_metrics.csv`` is read, not written: it also holds the scores
        on the official test split, which the predictions alone do not give.
    images, info
        As for `write_report`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If ``fold_metrics.csv`` cannot be read, or there is not one image per sample.
    """
    folder = Path(directory)
    table = _read_fold_metrics(folder / "fold_metrics.csv")
    return write_files(folder, _analysis(result, table, images, info or {}))


def _read_fold_metrics(file: Path) -> pd.DataFrame:
    try:
        # As text first: pandas' own reading of floats may miss the last bit.
        table = pd.read_csv(file, dtype=str)
        numbers = table.columns.drop(["row", "error", "basis"])
        table = table.astype(dict.fromkeys(numbers, "float64"))
        return table.astype(dict.fromkeys(["n_train", "n_test"], "Int64"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{file} cannot be read ({error}); finish the run with --resume."
        ) from error


def _analysis(
    result: OOFResult, table: pd.DataFrame, images: np.ndarray | None, info: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return tables of mistakes, figures and page, by file name."""
    if not result.scored:
        return {"report.html": render_page(result, [], info, table=table).encode()}
    mistakes = MistakeTables.from_result(result, images)
    figures = draw_figures(result, images, mistakes)
    page = render_page(result, figures, info, table=table, mistakes=mistakes, images=images)
    return {
        **{name: csv_bytes(rows) for name, rows in mistakes.files().items()},
        **{f"figures/{figure.name}.png": figure.png for figure in figures},
        "report.html": page.encode(),
    }


def summary_table(table: pd.DataFrame) -> list[list[str]]:
    """Return the few lines that a terminal shows at the end of a run.

    Parameters
    ----------
    table : DataFrame
        As `cifar_sk.metrics.fold_metrics` returns it.

    Returns
    -------
    list of list of str
        The headings; a row per fold, with dashes for what there is not; mean ± std over folds
        (not a standard error); the Nadeau–Bengio interval.

    Examples
    --------
    >>> table = pd.DataFrame({"row": ["fold_00", "mean", "std", "ci95_low", "ci95_high"],
    ...                       "accuracy": [0.5, 0.5, 0.1, 0.4, 0.6]})
    >>> for row in summary_table(table):
    ...     print(row)
    ['fold', 'accuracy']
    ['fold_00', '0.5000']
    ['mean ± std over folds', '0.5000 ± 0.1000']
    ['95 % interval (Nadeau–Bengio)', '0.4000 to 0.6000']
    """
    shown = {name: text for name, text in FOLD_COLUMNS.items() if name in table}
    values: dict[Any, Any] = table.set_index("row").to_dict()
    folds = [row for row in table["row"] if row.startswith("fold_")]
    rows = [["fold", *(heading for heading, _ in shown.values())]]
    for row in folds:
        rows.append([row, *(number(values[name][row], f) for name, (_, f) in shown.items())])
    for title, first, second, join in [
        ("mean ± std over folds", "mean", "std", "±"),
        (INTERVAL, "ci95_low", "ci95_high", "to"),
    ]:
        pairs = [
            pair(values[name][first], values[name][second], join, text)
            for name, (_, text) in shown.items()
        ]
        rows.append([title, *pairs])
    return rows


def _tables(result: OOFResult) -> dict[str, bytes]:
    contents = {}
    best_params = best_params_table(result)
    if len(best_params):
        contents["best_params.csv"] = csv_bytes(best_params)
    contents["class_metrics.csv"] = csv_bytes(class_metrics(result))
    rows = {"": None, **{f"_{row_name(fold)}": fold.index for fold in result.scored}}
    for suffix, index in rows.items():
        for kind, normalize in (("", False), ("_normalized", True)):
            table = confusion_table(result, index, normalize=normalize)
            contents[f"confusion_matrix{kind}{suffix}.csv"] = csv_bytes(table, index=True)
    contents["oof_predictions.csv"] = csv_bytes(oof_predictions(result))
    contents["classification_report.txt"] = classification_report_text(result).encode()
    return contents
