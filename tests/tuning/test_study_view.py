"""The one reading of a study, on trials that were made up."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from cifar_sk.errors import InputError
from cifar_sk.tuning.study_view import (
    StudyView,
    begin_study,
    in_memory,
    keep_held_out_fit,
    record,
)


def a_study(direction="maximize"):
    study = optuna.create_study(direction=direction)
    begin_study(study, {"space": {"a__b": (1, 2)}, "seed": 0}, ["accuracy"], 3, {"a__b": 2})
    study.tell(study.ask(), 0.5)
    for value in (0.7, 0.7, 0.4):
        study.add_trial(create_trial(value=value))
    for state in (TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING, TrialState.FAIL):
        study.add_trial(create_trial(state=state))
    for name in ("error", "skipped"):
        study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={name: "for a reason"}))
    return study


def test_states_and_which_trials_count():
    view = StudyView(a_study())
    states = ["complete"] * 4 + ["pruned", "running", "waiting", "lost", "failed", "skipped"]
    assert [trial.state for trial in view.trials] == states
    assert [trial.number for trial in view.counted] == [0, 1, 2, 3, 4, 5, 8]
    assert [trial.number for trial in view.ended] == [0, 1, 2, 3, 4, 8]
    assert view.errors == [view.trials[8].error] == ["for a reason"]
    assert view.trials[9].skipped == "for a reason"


@pytest.mark.parametrize(("direction", "best"), [("maximize", 1), ("minimize", 3)])
def test_the_best_is_the_first_among_equals(direction, best):
    assert StudyView(a_study(direction)).best.number == best


def test_a_study_without_a_complete_trial_has_no_best():
    study = optuna.create_study()
    with pytest.raises(InputError, match="allow it more trials or time"):
        assert StudyView(study).best
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"error": "too deep"}))
    with pytest.raises(InputError, match="the first one: too deep"):
        assert StudyView(study).best


def test_what_a_study_is_told_is_read_again_also_from_a_copy():
    study = a_study()
    keep_held_out_fit(study, "default", 1, {"correct": "101"})
    trial = study.ask()
    told = {"worker": "me", "fold_scores": [{"accuracy": 0.5}], "n_epochs": [3, 1]}
    record(trial, **told, n_parameters=7, fit_time=1.5)
    study.tell(trial, 0.1)
    for view in (StudyView(study), StudyView(in_memory(study))):
        assert view.identity == {"space": {"a__b": [1, 2]}, "seed": 0}
        assert view.space == {"a__b": [1, 2]}
        assert (view.objectives, view.epochs_per_fold) == (["accuracy"], 3)
        assert [trial.is_default for trial in view.trials].count(True) == 1
        last = next(trial for trial in view.trials if trial.worker == "me")
        assert {name: getattr(last, name) for name in told} == told
        assert (last.n_parameters, last.fit_time) == (7, 1.5)
        assert view.held_out_fit("default", 1) == {"correct": "101"}
        assert view.held_out_fit("default", 0) is None
