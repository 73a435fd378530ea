"""The files of a comparison: tables as CSV and Markdown, figures, and one HTML page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison import Comparison, conclusion
from cifar_sk.errors import InputError
from cifar_sk.mistakes.image_statistics import check_images
from cifar_sk.reports.comparison.figures import draw_comparison_figures
from cifar_sk.reports.comparison.rows import comparison_tables, run_rows
from cifar_sk.reports.run.figures import ReportFigure
from cifar_sk.reports.run.thumbnails import Thumbnails
from cifar_sk.reports.run.tiles import comparison_galleries
from cifar_sk.reports.templating import render
from cifar_sk.runs.files import csv_bytes, write_files

__all__ = ["write_comparison"]

# All tables and figures that a comparison of two runs, or of more, may have.
_TABLES = """
    comparison tests costs ranking pairs looks mcnemar class_differences outcomes only_one_right
"""
_FIGURES = """
    critical_difference fold_scores looks posterior metric_differences class_differences outcomes
"""
_MARKDOWN_SPECIAL = "\\`*_{}[]<>#|"


def write_comparison(
    comparison: Comparison,
    directory: str | os.PathLike[str],
    *,
    images: np.ndarray | None = None,
    title: str | None = None,
) -> list[Path]:
    """Write tables, figures and the HTML page of a comparison into a folder.

    ``comparison.csv`` (a row per metric), ``tests.csv``, ``costs.csv``, ``comparison.md``,
    ``comparison.html`` and ``figures/*.png``; of two runs ``mcnemar.csv``,
    ``class_differences.csv``, ``outcomes.csv`` and ``only_one_right.csv``, of more ``ranking.csv``
    and ``pairs.csv``; of two that were looked at several times ``looks.csv``. `images`,
    (n_samples, h, w[, c]), let the page of two runs show some that only one of them gets right.
    Each file is replaced at once, those of another comparison that this one does not have are
    deleted, and the same runs give the same bytes.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"directory must be an existing folder, got {str(folder)!r}; create it.")
    if images is not None:
        check_images(images, len(comparison.runs[0].result.target))
    title = title or " against ".join(comparison.names)
    figures = draw_comparison_figures(comparison)
    contents = {f"{name}.csv": csv_bytes(table) for name, table in _frames(comparison).items()}
    contents |= {f"figures/{figure.name}.png": figure.png for figure in figures}
    contents["comparison.md"] = _markdown(comparison, figures, title).encode()
    contents["comparison.html"] = _render(comparison, figures, title, images).encode()
    known = [f"{name}.csv" for name in _TABLES.split()]
    known += [f"figures/{name}.png" for name in _FIGURES.split()]
    return write_files(folder, contents, known=known)


def _frames(comparison: Comparison) -> dict[str, pd.DataFrame]:
    ranking, pair = comparison.ranking, comparison.pair
    frames = {"comparison": comparison.metrics, "tests": comparison.tests}
    frames["costs"] = comparison.costs
    if ranking is not None:
        frames |= {"ranking": ranking.table, "pairs": ranking.pairs}
    if pair is not None:
        frames |= {"mcnemar": pair.mcnemar, "class_differences": pair.classes}
        if comparison.looks is not None and comparison.looks.is_series:
            frames["looks"] = comparison.looks.frame()
        frames |= {"outcomes": pair.outcomes, "only_one_right": pair.only_one_right}
    return frames


def _markdown(comparison: Comparison, figures: list[ReportFigure], title: str) -> str:
    """Write a comparison as Markdown; names from outside are escaped."""
    lines = [f"# {_escape(title)}", "", *_bullets(conclusion(comparison))]
    if comparison.remarks:
        lines += ["", "To bear in mind:", "", *_bullets(comparison.remarks)]
    for table in comparison_tables(comparison):
        lines += ["", f"## {table.title}", "", *_markdown_rows(table.rows), "", table.note]
    lines += ["", "## Figures"]
    for figure in figures:
        lines += ["", f"![{_escape(figure.alt)}](figures/{figure.name}.png)"]
        lines += ["", _escape(figure.caption)]
    lines += ["", "## Runs", "", *_markdown_rows(run_rows(comparison))]
    return "\n".join(lines) + "\n"


def _bullets(sentences: Any) -> list[str]:
    return [f"- {_escape(sentence)}" for sentence in sentences]


def _markdown_rows(rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(_escape(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" + "---:|" * (len(rows[0]) - 1))
    return lines


def _escape(text: str) -> str:
    line = " ".join(text.split())  # a line break would end the row of a table
    return "".join(f"\\{letter}" if letter in _MARKDOWN_SPECIAL else letter for letter in line)


def _render(
    comparison: Comparison, figures: list[ReportFigure], title: str, images: np.ndarray | None
) -> str:
    first, *rest = conclusion(comparison)
    thumbnails = None if images is None else Thumbnails(images)
    run = comparison.runs[0]  # comparable runs are of the same data and split
    facts = {
        "data set": f"{run.manifest.data.name}, {len(run.result.target):,} images",
        "data fingerprint": run.manifest.data.fingerprint or "–",
        "split": comparison.folds,
        "split fingerprint": run.manifest.split.fingerprint or "–",
    }
    return render(
        "comparison.html.jinja",
        title=title,
        folds=comparison.folds,
        n_runs=len(comparison.runs),
        first=first,
        rest=rest,
        remarks=comparison.remarks,
        tables=comparison_tables(comparison),
        figures=figures,
        galleries=comparison_galleries(comparison, thumbnails),
        pixelated=thumbnails is not None and thumbnails.is_pixelated,
        runs=run_rows(comparison),
        facts=list(facts.items()),
    )
