"""The pruner, on hand-made learning curves in real Optuna studies."""

from __future__ import annotations

import math

import optuna
import pytest

from cifar_sk.errors import InputError
from cifar_sk.tuning.pruning import FoldPruner, best_so_far, step_of

EPOCHS = 4


def a_study(pruner, direction="maximize"):
    study = optuna.create_study(direction=direction, pruner=pruner)
    study.set_user_attr("epochs_per_fold", EPOCHS)
    return study


def a_trial(study, reports, state="complete"):
    """Report until the pruner says stop; return how many reports there were."""
    trial = study.ask()
    for count, (step, value) in enumerate(reports.items(), start=1):
        trial.report(value, step)
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return count
    study.tell(trial, value)
    return len(reports)


def steps(fold, *values, end=None):
    """Reports of the epochs of a fold, and of its end."""
    reports = {step_of(fold, epoch, EPOCHS): v for epoch, v in enumerate(values, start=1)}
    return reports | ({step_of(fold, None, EPOCHS): end} if end is not None else {})


def test_time_line_has_a_place_for_every_epoch_and_end():
    places = [step_of(fold, epoch, EPOCHS) for fold in range(3) for epoch in [*range(1, 5), None]]
    assert places == list(range(1, 16))


@pytest.mark.parametrize(
    ("step", "expected"),
    [(1, 0.2), (3, 0.5), (4, 0.5), (5, 0.45), (6, 0.6), (7, None)],
)
def test_best_so_far(step, expected):
    # The first fold stopped early, after three epochs.
    reports = {1: 0.2, 2: 0.5, 3: 0.4, 5: 0.45, 6: 0.6}
    assert best_so_far(reports, step, EPOCHS, maximize=True) == expected


def test_best_so_far_of_what_is_minimized_and_of_nan():
    assert best_so_far({1: 2.0, 2: 3.0}, 2, EPOCHS, maximize=False) == 2.0
    assert best_so_far({1: math.nan, 2: 0.3}, 2, EPOCHS, maximize=True) == 0.3
    assert best_so_far({1: math.nan}, 1, EPOCHS, maximize=True) is None
    assert best_so_far({}, 1, EPOCHS, maximize=True) is None


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1), ("minimize", -1)])
def test_what_is_not_among_the_best_of_all_at_the_same_epoch_is_stopped(direction, sign):
    study = a_study(FoldPruner(0.4, min_epochs=1), direction)

    def curve(*values):
        return steps(0, *(sign * value for value in values), end=sign * values[-1])

    assert a_trial(study, curve(0.1, 0.5, 0.6, 0.7)) == 5  # the first has nothing to fear
    assert a_trial(study, curve(0.1, 0.2, 0.5, 0.4)) == 3  # as good at epoch 1, worse at 3
    assert a_trial(study, curve(0.0, 0.6, 0.7, 0.8)) == 1
    assert a_trial(study, curve(0.2, 0.1, 0.8, 0.8)) == 5  # leads where it is looked at
    # Two of five may go on; of the better ones at epoch 3 there is one, at the end none.
    assert a_trial(study, curve(0.15, 0.6, 0.7, 0.9)) == 5
    assert a_trial(study, curve(0.05, 0.6, 0.7, 0.9)) == 1


def test_epochs_between_are_not_looked_at():
    pruner = FoldPruner(min_epochs=2)
    looked_at = [step for step in range(1, 41) if pruner._is_looked_at(step, 19)]
    assert looked_at == [2, 6, 18, 20, 40]


def test_a_first_look_beyond_the_epochs_is_at_the_end_of_the_fold():
    study = a_study(FoldPruner(min_epochs=50))
    assert a_trial(study, steps(0, 0.5, 0.6, end=0.6)) == 3
    assert a_trial(study, steps(0, 0.1, 0.2, end=0.2) | steps(1, 0.1)) == 3
    assert study.get_trials()[1].state.name == "PRUNED"


def test_a_later_fold_is_compared_with_the_same_fold_only():
    """The second fold is the harder one; who is level with the others there is not stopped."""
    study = a_study(FoldPruner(min_epochs=1))
    curve = steps(0, 0.6, 0.8, end=0.8) | steps(1, 0.5, 0.55, end=0.55)
    for _ in range(4):
        assert a_trial(study, curve) == 6
    worse = steps(0, 0.6, 0.8, end=0.8) | steps(1, 0.5, 0.55, end=0.54) | steps(2, 0.5)
    assert a_trial(study, worse) == 6


def test_the_score_of_a_fold_counts_at_its_end():
    study = a_study(FoldPruner(min_epochs=1))
    assert a_trial(study, steps(0, 0.5, 0.6, end=0.6)) == 3
    # The inner validation score was lucky.
    assert a_trial(study, steps(0, 0.5, 0.9, end=0.5)) == 3
    assert study.get_trials()[1].state.name == "PRUNED"


def test_a_fold_that_stopped_early_is_compared_by_its_best_epoch():
    study = a_study(FoldPruner(min_epochs=1))
    assert a_trial(study, steps(0, 0.5, 0.6, end=0.6)) == 3  # two epochs of four
    assert a_trial(study, steps(0, 0.5, 0.6, 0.59, 0.58, end=0.6)) == 5
    assert a_trial(study, steps(0, 0.5, 0.5, 0.55, 0.6)) == 3


def test_diverged_training_is_stopped_at_once():
    study = a_study(FoldPruner(min_epochs=1))
    assert a_trial(study, steps(0, 0.1, math.nan, 0.5)) == 2


@pytest.mark.parametrize("arguments", [{"keep": 0}, {"keep": 1}, {"min_epochs": 0}])
def test_bad_parameters(arguments):
    with pytest.raises(InputError, match="FoldPruner needs"):
        FoldPruner(**arguments)
