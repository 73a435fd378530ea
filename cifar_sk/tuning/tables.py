"""A study as tables, made once for all that is written of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import optuna
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.tuning.study_view import StudyView, TrialView

__all__ = ["StudyTables"]


@dataclass(frozen=True)
class StudyTables:
    """Trials, importances of the parameters, Pareto front and learning curves of a study."""

    view: StudyView
    # A row per trial that came to an end of its own: number, state, the objectives and their std
    # over folds, a column per parameter (of lists their JSON text), and what it took. fit_time
    # is in seconds, n_epochs counts all folds.
    trials: pd.DataFrame
    # parameter and importance, which sum to 1, most important first; empty if not estimable.
    importances: pd.DataFrame
    # With several objectives, the trials that no other one beats, by the first objective.
    front: pd.DataFrame = field(default_factory=pd.DataFrame)
    # With one objective, what the trials reported: number, state, fold (from 0), is_end (of the
    # fold), position (epochs over all folds) and value (mean over the folds so far).
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of(cls, view: StudyView) -> Self:
        """Tabulate a study that has a complete trial."""
        if not view.complete:
            raise InputError("A study is reported when a trial is complete; there is none yet.")
        trials, importances = _trials_table(view), _importances_table(view)
        if len(view.objectives) == 1:
            return cls(view, trials, importances, curves=_curves_table(view))
        front = _ranked(view, trials[trials["number"].isin(view.front)])
        return cls(view, trials, importances, front=front.reset_index(drop=True))

    @property
    def complete(self) -> pd.DataFrame:
        """The trials that have a value for every objective."""
        return self.trials[self.trials["state"] == "complete"]

    @property
    def ranked(self) -> pd.DataFrame:
        """The complete trials, best first by the first objective."""
        return _ranked(self.view, self.complete)

    @property
    def defaults(self) -> pd.DataFrame:
        """The trial with the parameters that the pipeline came with, if there is one."""
        return self.trials[self.trials["is_default"].astype(bool)]


def _ranked(view: StudyView, trials: pd.DataFrame) -> pd.DataFrame:
    return trials.sort_values(view.objectives[0], ascending=not view.is_maximized, kind="stable")


def _trials_table(view: StudyView) -> pd.DataFrame:
    rows = [_trial_row(trial, view.objectives, list(view.space)) for trial in view.ended]
    table = pd.DataFrame(rows)
    for name in table:
        if {type(row.get(str(name))) for row in rows} == {int, type(None)}:
            table[name] = table[name].astype("Int64")  # else a trial without it makes 32 a 32.0
    return table


def _trial_row(trial: TrialView, objectives: list[str], params: list[str]) -> dict[str, object]:
    scores = pd.DataFrame(trial.fold_scores)
    is_complete = trial.state == "complete"
    row: dict[str, object] = {"number": trial.number, "state": trial.state}
    for place, name in enumerate(objectives):
        row[name] = trial.values[place] if is_complete else np.nan
        if name in scores and is_complete:
            row[f"{name}_std"] = scores[name].std(ddof=1)
    return row | {
        **{name: _rounded(trial.params.get(name)) for name in params},
        "n_folds_finished": len(scores),
        "n_epochs": sum(trial.n_epochs),
        "n_parameters": trial.n_parameters,
        "fit_time": trial.fit_time,
        "is_default": trial.is_default,
        "error": trial.error,
    }


def _rounded(value: object) -> object:
    # A stepped range gives 0.30000000000000004.
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _importances_table(view: StudyView) -> pd.DataFrame:
    """Estimate by fANOVA which parameters matter; without rows where that cannot be told."""
    # Hutter, Hoos and Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter
    # Importance", PMLR 32. Of few trials it is a hint and no more.
    nothing = pd.DataFrame({"parameter": [], "importance": []})
    complete = view.complete
    if len(complete) < 4 or len({trial.values[0] for trial in complete}) < 2:
        return nothing
    params = complete[0].params
    varied = [name for name in params if len({t.params.get(name) for t in complete}) > 1]
    if not varied:
        return nothing
    found = _fanova(view.study, varied)
    total = sum(found.values())
    if not total > 0:
        return nothing
    # Of what did not vary, fANOVA's trees make something out of rounding errors.
    shares = {name: found.get(name, 0.0) / total for name in [*found, *params]}
    return pd.DataFrame({"parameter": list(shares), "importance": list(shares.values())})


def _fanova(study: optuna.Study, params: list[str]) -> dict[str, float]:
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        try:
            return evaluator.evaluate(study, params=params, target=lambda trial: trial.values[0])
        except RuntimeError:  # no tree found a split
            return {}


def _curves_table(view: StudyView) -> pd.DataFrame:
    # A fold that stops early ends where its last epoch would have been.
    n_epochs = view.epochs_per_fold
    rows = []
    for trial in view.ended:
        for step, value in sorted(trial.reports.items()):
            fold, epoch = divmod(step, n_epochs + 1)
            is_end = epoch == 0  # reported at the step that would begin the next fold
            position = fold * n_epochs + epoch
            rows.append((trial.number, trial.state, fold - is_end, is_end, position, value))
    columns = ["number", "state", "fold", "is_end", "position", "value"]
    return pd.DataFrame(rows, columns=columns)
