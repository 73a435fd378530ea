"""A study as tables: its trials, what mattered, the Pareto front, the learning curves."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import optuna

__all__ = ["curves_table", "importances_table", "objectives_of", "pareto_table", "trials_table"]

_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def objectives_of(study: optuna.Study) -> list[str]:
    """Return the names of a study's objectives."""
    return list(study.user_attrs["objectives"])


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """Tabulate the trials that came to an end of their own.

    Parameters
    ----------
    study : optuna.Study
        As `cifar_sk.tuning` makes it.

    Returns
    -------
    DataFrame
        A row per trial: ``number``; ``state`` (complete, pruned or failed); the objectives, and
        of those that are scores per fold the standard deviation over folds (``…_std``); a column
        per parameter, of lists their JSON text; ``n_folds_finished``, ``n_epochs`` (over all
        folds), ``n_parameters``, ``fit_time`` (s), ``is_default`` and ``error``. Trials that
        were skipped, or lost with their process, are left out.
    """
    names = objectives_of(study)
    params = list(study.user_attrs["identity"]["space"])
    rows = [_trial_row(trial, names, params) for trial in _ended(study)]
    table = pd.DataFrame(rows)
    for name in table:
        if _are_integers([row.get(str(name)) for row in rows]):
            table[name] = table[name].astype("Int64")  # else a trial without it makes 32 a 32.0
    return table


def _are_integers(values: list[object]) -> bool:
    return {type(value) for value in values} == {int, type(None)}


def _ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in {"COMPLETE", "PRUNED"} or "error" in trial.user_attrs
    ]


def _trial_row(
    trial: optuna.trial.FrozenTrial, objectives: list[str], params: list[str]
) -> dict[str, object]:
    attrs = trial.user_attrs
    scores = pd.DataFrame(attrs.get("fold_scores", []))
    is_complete = trial.state.name == "COMPLETE"
    row: dict[str, object] = {"number": trial.number, "state": _STATES[trial.state.name]}
    for place, name in enumerate(objectives):
        row[name] = trial.values[place] if is_complete else np.nan
        if name in scores and is_complete:
            row[f"{name}_std"] = scores[name].std(ddof=1)
    # A stepped range gives 0.30000000000000004.
    row |= {name: _rounded(trial.params.get(name)) for name in params}
    row |= {
        "n_folds_finished": len(scores),
        "n_epochs": sum(attrs.get("n_epochs", [])),
        "n_parameters": attrs.get("n_parameters"),
        "fit_time": attrs.get("fit_time"),
        "is_default": attrs.get("is_default", False),
        "error": attrs.get("error", ""),
    }
    return row


def _rounded(value: object) -> object:
    return float(f"{value:.12g}") if isinstance(value, float) else value


def pareto_table(study: optuna.Study) -> pd.DataFrame:
    """Return the rows of `trials_table` that no other trial beats in every objective.

    Parameters
    ----------
    study : optuna.Study
        With two or more objectives.

    Returns
    -------
    DataFrame
        By the first objective, best first.
    """
    front = {trial.number for trial in study.best_trials}
    table = trials_table(study)
    table = table[table["number"].isin(front)]
    ascending = study.directions[0].name == "MINIMIZE"
    return table.sort_values(objectives_of(study)[0], ascending=ascending).reset_index(drop=True)


def importances_table(study: optuna.Study) -> pd.DataFrame:
    """Estimate how much of the first objective's variance each parameter accounts for.

    Parameters
    ----------
    study : optuna.Study
        Any.

    Returns
    -------
    DataFrame
        ``parameter`` and ``importance`` (they sum to 1), most important first; without rows
        where fewer than four trials are complete, all have one score, or no parameter tells
        them apart.

    Notes
    -----
    fANOVA (Hutter, Hoos and Leyton-Brown 2014, "An Efficient Approach for Assessing
    Hyperparameter Importance", PMLR 32) over complete trials only, which are the better ones; of
    few trials it is a hint and no more.
    """
    import optuna

    nothing = pd.DataFrame({"parameter": [], "importance": []})
    complete = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    if len(complete) < 4 or len({trial.values[0] for trial in complete}) < 2:
        return nothing
    params = complete[0].params
    varied = [name for name in params if len({t.params.get(name) for t in complete}) > 1]
    if not varied:
        return nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        try:
            found = evaluator.evaluate(study, params=varied, target=lambda trial: trial.values[0])
        except RuntimeError:  # no tree found a split
            return nothing
    total = sum(found.values())
    if not total > 0:
        return nothing
    # Of what did not vary, fANOVA's trees make something out of rounding errors.
    shares = {name: found.get(name, 0.0) / total for name in [*found, *params]}
    return pd.DataFrame({"parameter": list(shares), "importance": list(shares.values())})


def curves_table(study: optuna.Study) -> pd.DataFrame:
    """Tabulate what the trials reported.

    Parameters
    ----------
    study : optuna.Study
        With one objective.

    Returns
    -------
    DataFrame
        ``number``, ``state``, ``fold`` (from 0), ``is_end`` (of the fold), ``position`` (epochs
        over all folds; a fold that stops early ends where its last epoch would have been) and
        ``value`` (mean over folds: of the scores of the finished ones and, before the end, the
        inner validation score of the running one).
    """
    n_epochs = study.user_attrs["epochs_per_fold"]
    rows = []
    for trial in _ended(study):
        for step, value in sorted(trial.intermediate_values.items()):
            fold, epoch = divmod(step, n_epochs + 1)
            is_end = epoch == 0  # reported at the step that would begin the next fold
            position = fold * n_epochs + epoch
            state = _STATES[trial.state.name]
            rows.append((trial.number, state, fold - is_end, is_end, position, value))
    columns = ["number", "state", "fold", "is_end", "position", "value"]
    return pd.DataFrame(rows, columns=columns)
