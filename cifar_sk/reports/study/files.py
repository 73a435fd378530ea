"""The files of a study under results/studies/: tables, figures, and one HTML page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.displays.study_displays import short_name
from cifar_sk.errors import InputError
from cifar_sk.reports.run.figures import ReportFigure
from cifar_sk.reports.study.figures import draw_study_figures
from cifar_sk.reports.templating import number, plain_text, render
from cifar_sk.runs.files import csv_bytes, write_files
from cifar_sk.tuning.tables import StudyTables

__all__ = ["parameter_rows", "summary_rows", "write_study_report"]

_N_IN_PAGE = 20
_N_IN_TERMINAL = 5
_STATES = ("complete", "pruned", "failed")


def write_study_report(
    tables: StudyTables,
    directory: str | os.PathLike[str],
    *,
    info: Mapping[str, Any] | None = None,
    held_out: list[list[str]] | None = None,
) -> list[Path]:
    """Write tables, figures and the HTML page of a study into its folder, and list the files.

    Of `info`, ``title`` becomes the page's heading, ``fallback`` a warning, and the rest a list
    of what was run. `held_out` are the headings and rows that say what the winner is worth on
    other images. Each file is replaced atomically; the same study gives the same bytes.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"directory must be an existing folder, got {str(folder)!r}; create it.")
    figures = draw_study_figures(tables)
    contents = {"trials.csv": csv_bytes(tables.trials)}
    if len(tables.importances):
        contents["importances.csv"] = csv_bytes(tables.importances)
    if len(tables.front):
        contents["pareto.csv"] = csv_bytes(tables.front)
    contents |= {f"figures/{figure.name}.png": figure.png for figure in figures}
    contents["report.html"] = _render(tables, figures, info or {}, held_out).encode()
    return write_files(folder, contents)


def summary_rows(tables: StudyTables) -> list[list[str]]:
    """Write what a terminal shows at the end of a study: the best trials, and the defaults."""
    ranked = tables.ranked
    shown = ranked.head(_N_IN_TERMINAL)
    defaults = ranked[ranked["is_default"].astype(bool) & ~ranked.index.isin(shown.index)]
    n_columns = 1 + len(tables.view.objectives)  # a terminal is too narrow for the parameters
    return [row[:n_columns] for row in _rows(tables, pd.concat([shown, defaults]))]


def parameter_rows(tables: StudyTables) -> list[list[str]]:
    """Write the parameters of the best trial beside the defaults, a row per parameter."""
    models = [tables.ranked.iloc[:1], tables.defaults.iloc[:1]]
    found = [record for model in models for record in model.to_dict("records")]
    headings = ["parameter", f"trial {found[0]['number']}", *(["default"] * (len(found) - 1))]
    rows = [[name, *(_value(model[name]) for model in found)] for name in tables.view.space]
    return [headings, *rows]


def _rows(tables: StudyTables, trials: pd.DataFrame) -> list[list[str]]:
    """Write trials for people: headings, then a row for each."""
    objectives, params = tables.view.objectives, list(tables.view.space)
    rows = [["trial", *objectives, *map(short_name, params)]]
    for row in trials.to_dict("records"):
        name = f"{row['number']} (defaults)" if row["is_default"] else f"{row['number']}"
        scores = [_score(row, objective) for objective in objectives]
        rows.append([name, *scores, *(_value(row[param]) for param in params)])
    return rows


def _score(row: Mapping[Any, Any], objective: str) -> str:
    value, std = row[objective], row.get(f"{objective}_std", np.nan)
    if not pd.isna(std):
        return f"{value:.4f} ± {std:.4f}"
    return number(value, "{:,.0f}" if objective == "n_parameters" else "{:.4f}")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return number(value, "{:.4g}")
    return "–" if pd.isna(value) else str(value)


def _render(
    tables: StudyTables,
    figures: list[ReportFigure],
    info: Mapping[str, Any],
    held_out: list[list[str]] | None,
) -> str:
    view, trials = tables.view, tables.trials
    failed = trials[trials["state"] == "failed"]
    details = {key: value for key, value in info.items() if key not in {"title", "fallback"}}
    return render(
        "study.html.jinja",
        title=info.get("title", "Study report"),
        fallback=info.get("fallback"),
        objective=view.objectives[0],
        extreme="largest" if view.is_maximized else "smallest",
        best=_score(tables.ranked.to_dict("records")[0], view.objectives[0]),
        best_number=view.best.number,
        n_trials=len(trials),
        counts={state: int((trials["state"] == state).sum()) for state in _STATES},
        held_out=held_out,
        params=parameter_rows(tables),
        trials=_rows(tables, tables.ranked.head(_N_IN_PAGE)),
        is_front=len(tables.front) > 0,
        front=_rows(tables, tables.front),
        failures=[(row["number"], row["error"]) for row in failed.to_dict("records")],
        has_importances=len(tables.importances) > 0,
        space=[(name, _entry(entry)) for name, entry in view.space.items()],
        info=[(key, plain_text(value)) for key, value in {**details, **_facts(tables)}.items()],
        figures=figures,
        **_spent(tables),
    )


def _n_folds(tables: StudyTables) -> int:
    split = tables.view.identity["split"]
    return split["n_folds"] * split["n_repeats"] * split.get("n_seeds", 1)


def _facts(tables: StudyTables) -> dict[str, Any]:
    """Say what the study is of."""
    identity = tables.view.identity
    data = identity["data"]
    return {
        "data set": f"{data['name']}, {data['n_samples']:,} images",
        "data fingerprint": data["fingerprint"],
        "split": f"{_n_folds(tables)} folds, fingerprint {identity['split']['fingerprint']}",
        "seed": identity["seed"],
        "objectives": tables.view.objectives,
    }


def _spent(tables: StudyTables) -> dict[str, Any]:
    """Count the epochs that were trained, and their share of all that the trials could have."""
    spent = int(tables.trials["n_epochs"].sum())
    most = len(tables.trials) * _n_folds(tables) * tables.view.epochs_per_fold
    return {"spent": f"{spent:,}", "share": f"{spent / most:.0%}" if spent else None}


def _entry(entry: Any) -> str:
    if isinstance(entry, list):
        return " · ".join(str(option) for option in entry)
    text = f"{entry['low']:g} to {entry['high']:g}"
    if "step" in entry:
        text += f" in steps of {entry['step']:g}"
    return text + (", log scale" if entry.get("log") else "")
