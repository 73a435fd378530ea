"""The files of a study under results/studies/: tables, figures, and one HTML page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.reports.study.figures import draw_study_figures
from cifar_sk.reports.study.tables import (
    importances_table,
    objectives_of,
    pareto_table,
    trials_table,
)
from cifar_sk.reports.templating import number, plain_text, render
from cifar_sk.runs.files import csv_bytes, write_files

if TYPE_CHECKING:
    import optuna

__all__ = ["parameter_rows", "summary_rows", "write_study_report"]

_N_IN_PAGE = 20
_N_IN_TERMINAL = 5


def write_study_report(
    study: optuna.Study,
    directory: str | os.PathLike[str],
    *,
    info: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write tables, figures and the HTML page of a study into its folder.

    Parameters
    ----------
    study : optuna.Study
        As `cifar_sk.tuning` makes it, with a complete trial.
    directory : path-like
        An existing folder.
    info : mapping, default=None
        What to say about the study. ``title`` becomes the heading, ``fallback`` a warning, and
        ``holdout``, rows of a table of which the first is its heading, what the winner is worth
        on other images. Everything is escaped.

    Returns
    -------
    list of Path
        The files written: ``trials.csv``, ``report.html``, ``figures/*.png``, and where they
        make sense ``importances.csv`` and ``pareto.csv``.

    Raises
    ------
    InputError
        If `directory` is no folder, or no trial is complete.

    Notes
    -----
    Each file is replaced atomically. The same study gives the same bytes.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"directory must be an existing folder, got {str(folder)!r}; create it.")
    table = trials_table(study)
    if not len(table) or not (table["state"] == "complete").any():
        raise InputError("A study is reported when a trial is complete; there is none yet.")
    figures = draw_study_figures(study)
    contents = {"trials.csv": csv_bytes(table)}
    importances = importances_table(study)
    if len(importances):
        contents["importances.csv"] = csv_bytes(importances)
    if len(objectives_of(study)) > 1:
        contents["pareto.csv"] = csv_bytes(pareto_table(study))
    contents |= {f"figures/{figure.name}.png": figure.png for figure in figures}
    page = _render(study, table, figures, info or {})
    contents["report.html"] = page.encode()
    return write_files(folder, contents)


def summary_rows(study: optuna.Study) -> list[list[str]]:
    """Return what a terminal shows at the end of a study: the best trials, and the defaults.

    Parameters
    ----------
    study : optuna.Study
        With a complete trial.

    Returns
    -------
    list of list of str
        The headings, then a row per trial.
    """
    ranked = _ranked(study, trials_table(study))
    shown = ranked.head(_N_IN_TERMINAL)
    defaults = ranked[ranked["is_default"].astype(bool) & ~ranked.index.isin(shown.index)]
    n_columns = 1 + len(objectives_of(study))  # a terminal is too narrow for the parameters
    return [row[:n_columns] for row in _rows(study, pd.concat([shown, defaults]))]


def parameter_rows(study: optuna.Study) -> list[list[str]]:
    """Return the parameters of the best trial, beside the defaults.

    Parameters
    ----------
    study : optuna.Study
        With a complete trial.

    Returns
    -------
    list of list of str
        The headings, then a row per parameter.
    """
    table = trials_table(study)
    best = _ranked(study, table).to_dict("records")[0]
    defaults = table[table["is_default"].astype(bool)].to_dict("records")
    headings = ["parameter", f"trial {best['number']}", *(["default"] if defaults else [])]
    models = [best, *defaults[:1]]
    names = study.user_attrs["identity"]["space"]
    return [headings, *([name, *(_value(model[name]) for model in models)] for name in names)]


def _ranked(study: optuna.Study, table: pd.DataFrame) -> pd.DataFrame:
    complete = table[table["state"] == "complete"]
    ascending = study.directions[0].name == "MINIMIZE"
    return complete.sort_values(objectives_of(study)[0], ascending=ascending, kind="stable")


def _rows(study: optuna.Study, table: pd.DataFrame) -> list[list[str]]:
    """Write trials for people: headings, then a row for each."""
    objectives = objectives_of(study)
    params = list(study.user_attrs["identity"]["space"])
    headings = [name.removeprefix("classifier__") for name in params]
    rows = [["trial", *objectives, *headings]]
    for row in table.to_dict("records"):
        name = f"{row['number']} (defaults)" if row["is_default"] else f"{row['number']}"
        rows.append(
            [
                name,
                *(_score(row, objective) for objective in objectives),
                *(_value(row[param]) for param in params),
            ]
        )
    return rows


def _score(row: Mapping[Any, Any], objective: str) -> str:
    value, std = row[objective], row.get(f"{objective}_std")
    if std is not None and not pd.isna(std):
        return f"{value:.4f} ± {std:.4f}"
    return number(value, "{:,.0f}" if objective == "n_parameters" else "{:.4f}")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return number(value, "{:.4g}")
    return "–" if pd.isna(value) else str(value)


def _render(
    study: optuna.Study,
    table: pd.DataFrame,
    figures: list[Any],
    info: Mapping[str, Any],
) -> str:
    identity = study.user_attrs["identity"]
    objectives = objectives_of(study)
    best = _ranked(study, table).to_dict("records")[0]
    failed = table[table["state"] == "failed"]
    n_folds = identity["split"]["n_folds"] * identity["split"]["n_repeats"]
    most = len(table) * n_folds * study.user_attrs["epochs_per_fold"]
    spent = int(table["n_epochs"].sum())
    hidden = {"title", "fallback", "holdout"}
    details = {
        **{key: value for key, value in info.items() if key not in hidden},
        "data set": f"{identity['data']['name']}, {identity['data']['n_samples']:,} images",
        "data fingerprint": identity["data"]["fingerprint"],
        "split": f"{n_folds} folds, fingerprint {identity['split']['fingerprint']}",
        "seed": identity["seed"],
        "objectives": objectives,
    }
    return render(
        "study.html.jinja",
        title=info.get("title", "Study report"),
        fallback=info.get("fallback"),
        objective=objectives[0],
        extreme="largest" if study.directions[0].name == "MAXIMIZE" else "smallest",
        best=_score(best, objectives[0]),
        best_number=best["number"],
        n_trials=len(table),
        counts={state: int((table["state"] == state).sum()) for state in _STATES},
        spent=f"{spent:,}",
        share=f"{spent / most:.0%}" if spent else None,
        holdout=info.get("holdout"),
        params=parameter_rows(study),
        trials=_rows(study, _ranked(study, table).head(_N_IN_PAGE)),
        is_front=len(objectives) > 1,
        front=_rows(study, pareto_table(study)) if len(objectives) > 1 else [],
        failures=[(row["number"], row["error"]) for row in failed.to_dict("records")],
        has_importances=any(figure.name == "param_importances" for figure in figures),
        space=[(name, _entry(entry)) for name, entry in identity["space"].items()],
        info=[(key, plain_text(value)) for key, value in details.items()],
        figures=figures,
    )


_STATES = ("complete", "pruned", "failed")


def _entry(entry: Any) -> str:
    if isinstance(entry, list):
        return " · ".join(str(option) for option in entry)
    text = f"{entry['low']:g} to {entry['high']:g}"
    if "step" in entry:
        text += f" in steps of {entry['step']:g}"
    return text + (", log scale" if entry.get("log") else "")
