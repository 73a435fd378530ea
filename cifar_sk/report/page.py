"""The HTML page of a report: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cifar_sk.displays import ClassScoresDisplay
from cifar_sk.metrics import (
    METRICS,
    class_metrics,
    fold_metrics,
    pooled_accuracy,
    pooling_note,
)
from cifar_sk.metrics.fold_table import fold_count
from cifar_sk.predictions import OOFResult
from cifar_sk.report.figures import ReportFigure

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "FOLD_COLUMNS",
    "INTERVAL",
    "environment",
    "number",
    "pair",
    "plain_text",
    "render_page",
]

INTERVAL = "95 % interval (Nadeau–Bengio)"

# Column of fold_metrics to heading and format, for places where few columns fit.
FOLD_COLUMNS = {
    "accuracy": ("accuracy", "{:.4f}"),
    "f1_macro": ("macro F1", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "n_epochs": ("epochs", "{:.0f}"),
    "fit_time": ("fit time, s", "{:.1f}"),
}


def number(value: float, text: str = "{:.4f}") -> str:
    """Write a number, or a dash for NaN."""
    return "–" if pd.isna(value) else text.format(value)


def pair(first: float, second: float, join: str, text: str = "{:.4f}") -> str:
    """Write two numbers that belong together, or a dash if the first is NaN.

    Examples
    --------
    >>> pair(0.5, 0.1, "±")
    '0.5000 ± 0.1000'
    """
    text = text.replace(".0f", ".1f")  # the mean of a count has a fraction
    return "–" if pd.isna(first) else f"{text.format(first)} {join} {number(second, text)}"


def render_page(
    result: OOFResult, figures: Sequence[ReportFigure], info: Mapping[str, Any]
) -> str:
    """Return the page as text.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.
    figures : sequence of ReportFigure
        What to show, in this order.
    info : mapping
        As for `cifar_sk.report.write_report`.

    Returns
    -------
    str
        HTML5 with its style and images inside. Names and values from outside are escaped.
    """
    table = fold_metrics(result)
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            title=info.get("title", "Cross-validation report"),
            fallback=info.get("fallback"),
            info=[
                (key, plain_text(info[key])) for key in info if key not in {"title", "fallback"}
            ],
            count=fold_count(result),
            n_missing=result.n_expected - len(result.folds),
            failed=result.failed,
            interval=INTERVAL,
            headline=_headline(result, table) if result.scored else None,
            metrics=_metric_rows(table),
            has_test_split=result.holdout_target is not None,
            fold_headings=[heading for heading, _ in FOLD_COLUMNS.values()],
            folds=_fold_rows(table),
            classes=_class_rows(result) if result.scored else [],
            note=pooling_note(result),
            figures=[figure for figure in figures if figure.in_page],
        )
    )


def environment() -> Environment:
    """Return where the templates are; what they are given is escaped, and must be there."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("cifar_sk.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def plain_text(value: Any) -> str:
    """Write a value, or values within, on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain_text(inner) for inner in value)
    return "–" if value is None else str(value)


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
    return [
        {
            "row": fold["row"],
            "n_train": number(fold["n_train"], "{}"),
            "n_test": number(fold["n_test"], "{}"),
            "scores": [number(fold[name], text) for name, (_, text) in FOLD_COLUMNS.items()],
        }
        for fold in folds.to_dict("records")
    ]


def _class_rows(result: OOFResult) -> list[list[str]]:
    pooled = class_metrics(result).query("row == 'pooled'")
    spread = ClassScoresDisplay.from_result(result).scores
    low, high = spread.min(axis=1).to_numpy(), spread.max(axis=1).to_numpy()
    return [
        [
            row["class"],
            *(number(row[name], "{:.3f}") for name in ("precision", "recall", "f1")),
            pair(low[place], high[place], "to", "{:.3f}"),
            f"{row['support']:,}",
        ]
        for place, row in enumerate(pooled.to_dict("records"))
    ]
