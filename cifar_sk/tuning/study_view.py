"""The one place that knows how a study keeps what is recorded in it, to read and to write."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

import optuna
from optuna.exceptions import ExperimentalWarning

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = [
    "StudyView",
    "TrialView",
    "begin_study",
    "in_memory",
    "keep_held_out_fit",
    "quiet_optuna",
    "record",
]


@dataclass(frozen=True)
class TrialView:
    """A trial: how it ended, and what its evaluation recorded."""

    frozen: FrozenTrial
    number: int
    # waiting, running, complete, pruned, failed, skipped (for it was not needed) or lost with its
    # process, and tried again. To Optuna the last three are all failures.
    state: str
    params: dict[str, Any]  # stored values, as SearchSpace.decode takes them
    values: list[float]  # one per objective, if it is complete
    reports: dict[int, float]  # to the pruner, by step of its time line
    _: KW_ONLY  # what is recorded in the trial under these names
    is_default: bool = False  # whether it has the parameters that the pipeline came with
    worker: str | None = None  # the process that ran it; None if that died before it said so
    error: str = ""  # why it failed, or nothing
    skipped: str = ""  # why it was skipped, or nothing
    fold_scores: list[dict[str, float]] = field(default_factory=list)  # by metric, of ended folds
    n_epochs: list[int] = field(default_factory=list)  # of every fold that began
    n_parameters: int | None = None
    fit_time: float | None = None  # seconds over all folds

    @classmethod
    def of(cls, trial: FrozenTrial) -> Self:
        """Read a trial."""
        attrs, state = trial.user_attrs, trial.state.name.lower()
        if state == "fail":
            state = next((s for s in ("error", "skipped") if s in attrs), "lost")
        return cls(
            frozen=trial,
            number=trial.number,
            state="failed" if state == "error" else state,
            params=trial.params,
            values=trial.values or [],
            reports=trial.intermediate_values,
            **{f.name: attrs[f.name] for f in fields(cls) if f.kw_only and f.name in attrs},
        )

    @property
    def is_ended(self) -> bool:
        """Whether it came to an end of its own."""
        return self.state in {"complete", "pruned", "failed"}


class StudyView:
    """A study as it stands now; a later look needs a new view."""

    def __init__(self, study: optuna.Study) -> None:
        self.study = study
        self.trials = [TrialView.of(trial) for trial in study.get_trials(deepcopy=False)]
        self.is_maximized = study.directions[0].name == "MAXIMIZE"  # the objective that ranks
        self._attrs = study.user_attrs
        self.objectives: list[str] = self._attrs.get("objectives", [])
        # JSON values that are equal where a study is continued; none until it has begun.
        self.identity: dict[str, Any] = self._attrs.get("identity", {})
        self.ended = [trial for trial in self.trials if trial.is_ended]
        self.complete = self.in_state("complete")  # with a value for every objective
        self.errors = [trial.error for trial in self.in_state("failed")]

    @property
    def epochs_per_fold(self) -> int:
        """The most epochs that a fold of any trial can have."""
        return self._attrs["epochs_per_fold"]

    @property
    def space(self) -> dict[str, Any]:
        """The search space as plain data."""
        return self.identity["space"]

    def in_state(self, state: str) -> list[TrialView]:
        """List the trials in a state of `TrialView.state`."""
        return [trial for trial in self.trials if trial.state == state]

    @property
    def counted(self) -> list[TrialView]:
        """The trials that a study was asked for: they run, or came to an end of their own."""
        return [trial for trial in self.trials if trial.is_ended or trial.state == "running"]

    @property
    def best(self) -> TrialView:
        """The best trial by the first objective, among equals the first; an InputError if none."""
        if not self.complete:
            failure = [f"the first one: {error}" for error in self.errors]
            remedy = [*failure, "allow it more trials or time."][0]
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


def record(trial: optuna.Trial, **values: Any) -> None:
    """Record in a running trial what a `TrialView` reads, by the names of its fields."""
    for name, value in values.items():
        trial.set_user_attr(name, value)


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
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        # Names for dashboards; "experimental" since 3.2.
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
