"""The one place that knows how a study keeps what is recorded in it, to read and to write."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import ExperimentalWarning

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = [
    "StudyView",
    "TrialRecord",
    "TrialView",
    "begin_study",
    "in_memory",
    "keep_held_out_fit",
    "quiet_optuna",
]


@dataclass(frozen=True)
class TrialView:
    """A trial: how it ended, and what its evaluation recorded."""

    frozen: FrozenTrial

    @property
    def number(self) -> int:
        """Its place in the study, from 0."""
        return self.frozen.number

    @property
    def state(self) -> str:
        """One of waiting, running, complete, pruned, failed, skipped and lost.

        To Optuna the last three are all failures. A skipped trial was not needed; a lost one
        died with its process, and is tried again.
        """
        name = self.frozen.state.name
        if name != "FAIL":
            return name.lower()
        attrs = self.frozen.user_attrs
        return "failed" if "error" in attrs else "skipped" if "skipped" in attrs else "lost"

    @property
    def is_ended(self) -> bool:
        """Whether it came to an end of its own."""
        return self.state in {"complete", "pruned", "failed"}

    @property
    def is_counted(self) -> bool:
        """Whether it is one of the trials that a study was asked for."""
        return self.is_ended or self.state == "running"

    @property
    def params(self) -> dict[str, Any]:
        """Stored values of the parameters, as `SearchSpace.decode` takes them."""
        return self.frozen.params

    @property
    def values(self) -> list[float]:
        """A value per objective, of a complete trial."""
        return self.frozen.values

    @property
    def reports(self) -> dict[int, float]:
        """What the pruner was told, by step of the time line in `cifar_sk.tuning.pruning`."""
        return self.frozen.intermediate_values

    @property
    def is_default(self) -> bool:
        """Whether it has the parameters that the pipeline came with."""
        return self.frozen.user_attrs.get("is_default", False)

    @property
    def worker(self) -> str | None:
        """Name of the process that ran it; None if that died before it said so."""
        return self.frozen.user_attrs.get("worker")

    @property
    def error(self) -> str:
        """Why it failed, or nothing."""
        return self.frozen.user_attrs.get("error", "")

    @property
    def skip_reason(self) -> str:
        """Why it was skipped, or nothing."""
        return self.frozen.user_attrs.get("skipped", "")

    @property
    def fold_scores(self) -> list[dict[str, float]]:
        """A mapping from metric to score for every fold that ended."""
        return self.frozen.user_attrs.get("fold_scores", [])

    @property
    def n_epochs(self) -> list[int]:
        """Epochs of every fold that began."""
        return self.frozen.user_attrs.get("n_epochs", [])

    @property
    def n_parameters(self) -> int | None:
        """Size of its network."""
        return self.frozen.user_attrs.get("n_parameters")

    @property
    def fit_time(self) -> float | None:
        """Seconds, over all folds."""
        return self.frozen.user_attrs.get("fit_time")


class StudyView:
    """A study as it stands when this view is first asked; a later look needs a new view."""

    def __init__(self, study: optuna.Study) -> None:
        self.study = study

    @cached_property
    def _attrs(self) -> dict[str, Any]:
        return self.study.user_attrs

    @property
    def has_begun(self) -> bool:
        """Whether the study was described in full."""
        return "identity" in self._attrs

    @property
    def identity(self) -> dict[str, Any]:
        """JSON values that are equal where a study is continued."""
        return self._attrs["identity"]

    @property
    def space(self) -> dict[str, Any]:
        """The search space as plain data."""
        return self.identity["space"]

    @property
    def objectives(self) -> list[str]:
        """Names of the objectives; the first one ranks."""
        return self._attrs["objectives"]

    @property
    def epochs_per_fold(self) -> int:
        """The most epochs that a fold of any trial can have."""
        return self._attrs["epochs_per_fold"]

    @property
    def is_maximized(self) -> bool:
        """Whether more is better of the first objective."""
        return self.study.directions[0].name == "MAXIMIZE"

    @cached_property
    def trials(self) -> list[TrialView]:
        """All trials by number."""
        return [TrialView(trial) for trial in self.study.get_trials(deepcopy=False)]

    def in_state(self, state: str) -> list[TrialView]:
        """List the trials in a state of `TrialView.state`."""
        return [trial for trial in self.trials if trial.state == state]

    @property
    def counted(self) -> list[TrialView]:
        """Trials that run or came to an end of their own."""
        return [trial for trial in self.trials if trial.is_counted]

    @property
    def ended(self) -> list[TrialView]:
        """Trials that came to an end of their own: complete, pruned or failed."""
        return [trial for trial in self.trials if trial.is_ended]

    @property
    def complete(self) -> list[TrialView]:
        """Trials that have a value for every objective."""
        return self.in_state("complete")

    @property
    def errors(self) -> list[str]:
        """Why trials failed."""
        return [trial.error for trial in self.in_state("failed")]

    @property
    def best(self) -> TrialView:
        """The best trial by the first objective, among equals the first; an InputError if none."""
        if not self.complete:
            remedy = (
                f"the first one: {self.errors[0]}"
                if self.errors
                else "allow it more trials or time."
            )
            raise InputError(f"No trial of the study was completed; {remedy}")
        sign = 1 if self.is_maximized else -1
        return max(self.complete, key=lambda trial: (sign * trial.values[0], -trial.number))

    @property
    def front(self) -> set[int]:
        """Numbers of the trials that no other one beats in every objective."""
        return {trial.number for trial in self.study.best_trials}

    def held_out_fit(self, model: str, seed: int) -> dict[str, Any] | None:
        """Return what `keep_held_out_fit` kept; None where there is nothing."""
        return self._attrs.get(_held_out_key(model, seed))


class TrialRecord:
    """Writes what a `TrialView` reads into a running trial."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def begin(self, worker: str) -> None:
        """Note the process that runs it."""
        self._trial.set_user_attr("worker", worker)

    def fail(self, reason: str) -> None:
        """Note why it cannot be evaluated."""
        self._trial.set_user_attr("error", reason)

    def skip(self, reason: str) -> None:
        """Note why it need not be evaluated."""
        self._trial.set_user_attr("skipped", reason)

    def end(
        self,
        fold_scores: list[dict[str, float]],
        n_epochs: list[int],
        n_parameters: int | None,
        fit_time: float,
    ) -> None:
        """Note what came of the folds that were run."""
        self._trial.set_user_attr("fold_scores", fold_scores)
        self._trial.set_user_attr("n_epochs", n_epochs)
        self._trial.set_user_attr("n_parameters", n_parameters)
        self._trial.set_user_attr("fit_time", fit_time)


def begin_study(
    study: optuna.Study,
    identity: Mapping[str, Any],
    objectives: Sequence[str],
    epochs_per_fold: int,
    defaults: Mapping[str, Any] | None,
) -> None:
    """Describe a new study, and queue the default parameters as its first trial."""
    study.set_user_attr("epochs_per_fold", epochs_per_fold)
    study.set_user_attr("objectives", list(objectives))
    with warnings.catch_warnings():
        # Names for dashboards; "experimental" since 3.2.
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(objectives))
    if defaults is not None:
        study.enqueue_trial(dict(defaults), user_attrs={"is_default": True})
    # Last, for a study without it is begun anew.
    study.set_user_attr("identity", json.loads(json.dumps(identity)))


def keep_held_out_fit(study: optuna.Study, model: str, seed: int, fit: Mapping[str, Any]) -> None:
    """Keep in the study how a fit did on the held-out images."""
    study.set_user_attr(_held_out_key(model, seed), dict(fit))


def _held_out_key(model: str, seed: int) -> str:
    # "holdout", after the option --holdout, is the name in studies that are stored already.
    return f"holdout: {model}, seed {seed}"


def in_memory(study: optuna.Study) -> optuna.Study:
    """Copy a study so that it needs no storage any more."""
    with quiet_optuna():
        copy = optuna.create_study(study_name=study.study_name, directions=study.directions)
    for name, value in study.user_attrs.items():
        copy.set_user_attr(name, value)
    copy.add_trials(study.get_trials(deepcopy=False))
    return copy


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Hold back Optuna's messages, which a progress display and error sentences replace."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
