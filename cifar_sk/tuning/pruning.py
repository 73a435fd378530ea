"""The pruner of studies, which compares trials on one time line of epochs and folds.

The time line of a trial has ``epochs_per_fold + 1`` steps for each fold: the epochs, from 1, and
then the end of the fold. What is reported is a mean over folds, of the scores of those that have
ended and the inner validation score of the one that is running.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optuna.pruners import BasePruner

from cifar_sk.errors import InputError
from cifar_sk.tuning.study_view import StudyView

if TYPE_CHECKING:
    import optuna

__all__ = ["FoldPruner", "best_so_far", "step_of"]

_SPACING = 3  # between the epochs that are looked at


def step_of(fold: int, epoch: int | None, epochs_per_fold: int) -> int:
    """Return the step of an epoch (from 1), or with None of the end of a fold (from 0)."""
    return fold * (epochs_per_fold + 1) + (epochs_per_fold + 1 if epoch is None else epoch)


def best_so_far(
    reports: Mapping[int, float], step: int, epochs_per_fold: int, *, maximize: bool
) -> float | None:
    """Return how well a trial had done at a step; None if it has not come so far."""
    # Within a fold that is its best epoch up to `step`, for early stopping goes back to it; also
    # if the fold ended before `step`. At a fold's end it is what was reported there.
    if not reports or max(reports) < step:
        return None
    start = (step - 1) // (epochs_per_fold + 1) * (epochs_per_fold + 1)
    is_end = step == start + epochs_per_fold + 1
    first = step if is_end else start + 1
    values = [reports[at] for at in range(first, step + 1) if at in reports]
    values = [value for value in values if not math.isnan(value)]
    if not values:
        return None
    return max(values) if maximize else min(values)


class FoldPruner(BasePruner):
    """Stop a trial that is not among the best fifth of all, where it stands: same fold and epoch.

    Trials are looked at after 3, 9, … epochs of the first fold, and at the end of each fold. A
    trial's best value in this fold is compared with what the others had reached at the same
    step. It goes on while few of them were better: a fifth of all trials that have come to the
    first look, at most. Those that were stopped before count as worse.

    Parameters
    ----------
    keep : float in (0, 1), default=0.2
        Share of the trials that goes on to the end; the best one always does.
    min_epochs : int, default=3
        The first epoch that is looked at. Earlier ones would be unfair to schedules that begin
        with a low learning rate.

    Notes
    -----
    This is asynchronous successive halving [1]_ on the time line of folds, with one difference.
    Halving thins out the survivors again at each look, by differences that soon are smaller than
    the error of a score over one fold; here every look asks for the same rank among all.
    Optuna's SuccessiveHalvingPruner also looks at fixed steps only: where early stopping ended a
    fold before one, it compares the score of a fold with an epoch of others. Its MedianPruner
    compares a trial's best over *all* its steps with others at one step, which mixes folds of
    different difficulty, and its WilcoxonPruner needs four folds before it can stop anything at
    p < 0.1. ``studies/benchmarks/pruning.py`` compares them.

    References
    ----------
    .. [1] Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar (2020),
       "A System for Massively Parallel Hyperparameter Tuning",
       :doi:`10.48550/arXiv.1810.05934`.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """

    def __init__(self, keep: float = 0.2, *, min_epochs: int = 3) -> None:
        if not 0 < keep < 1 or min_epochs < 1:
            raise InputError(
                f"FoldPruner needs keep between 0 and 1 and min_epochs from 1; "
                f"got {keep} and {min_epochs}."
            )
        self.keep = keep
        self.min_epochs = min_epochs

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Say whether to stop a running trial of a study with one direction at its last report."""
        step = trial.last_step
        if step is None:
            return False
        if math.isnan(trial.intermediate_values[step]):  # the weights are lost
            return True
        view = StudyView(study)
        epochs, maximize = view.epochs_per_fold, view.is_maximized
        own = best_so_far(trial.intermediate_values, step, epochs, maximize=maximize)
        if own is None or not self._is_looked_at(step, epochs):
            return False
        others = [  # without lost ones, which are tried again and count once
            other.reports
            for other in view.trials
            if other.number != trial.number and other.reports and other.state != "lost"
        ]
        first = min(self.min_epochs, epochs + 1)
        n_begun = 1 + sum(max(reports) >= first for reports in others)
        values = [best_so_far(reports, step, epochs, maximize=maximize) for reports in others]
        n_better = sum(v > own if maximize else v < own for v in values if v is not None)
        return n_better >= max(1.0, self.keep * n_begun)

    def _is_looked_at(self, step: int, epochs_per_fold: int) -> bool:
        if step % (epochs_per_fold + 1) == 0:
            return True
        epoch = self.min_epochs
        while epoch < step:
            epoch *= _SPACING
        return epoch == step <= epochs_per_fold
