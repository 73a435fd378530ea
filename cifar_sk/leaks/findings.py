"""What a rule finds, and the registry of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cifar_sk.leaks.subject import Subject
from cifar_sk.registry import Registry

__all__ = ["RULES", "Finding", "Leak", "LeakWarning", "Rule", "leak_rule"]


class LeakWarning(UserWarning):
    """A run's scores may be too good, because scored samples have a part in training."""


@dataclass(frozen=True)
class Finding:
    """A leak that a rule has found.

    Attributes
    ----------
    name : str
        The rule.
    sentence : str
        What was found.
    remedy : str
        What to do about it.
    evidence : dict
        The figures that the rule rests on, in JSON values.
    """

    name: str
    sentence: str
    remedy: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}."


class Leak(NamedTuple):
    """What a check yields: a sentence, a remedy, and figures in JSON values."""

    sentence: str
    remedy: str
    evidence: dict[str, Any]


Check = Callable[[Subject], Iterator[Leak]]


@dataclass(frozen=True)
class Rule:
    """A check, and when it is asked.

    Attributes
    ----------
    check : callable
        Takes a `Subject` and yields a `Leak` for each that it finds.
    in_runs : bool
        Whether it costs so little that every run asks it.
    fits : bool
        Whether it fits models.
    """

    check: Check
    in_runs: bool = False
    fits: bool = False

    def findings(self, name: str, subject: Subject) -> list[Finding]:
        """List what the check finds, under the rule's name."""
        return [Finding(name, *found) for found in self.check(subject)]


_HERE = "cifar_sk.leaks"
RULES: Registry[Rule] = Registry(
    "leak",
    own={
        "fold_overlap": f"{_HERE}.overlaps",
        "group_overlap": f"{_HERE}.overlaps",
        "test_in_training": f"{_HERE}.copies",
        "scored_samples_given": f"{_HERE}.copies",
        "copies_across_folds": f"{_HERE}.copies",
        "transformed_copies": f"{_HERE}.near_copies",
        "near_copies": f"{_HERE}.near_copies",
        "interpolated_samples": f"{_HERE}.interpolation",
        "preprocessed_outside": f"{_HERE}.preprocessing",
        "selected_outside": f"{_HERE}.supervised_preprocessing",
        "target_encoded": f"{_HERE}.supervised_preprocessing",
        "label_in_features": f"{_HERE}.telling_features",
        "order_in_features": f"{_HERE}.telling_features",
        "shared_by_clones": f"{_HERE}.clones",
        "already_fitted": f"{_HERE}.clones",
        "random_prediction": f"{_HERE}.probes",
        "prediction_depends_on_batch": f"{_HERE}.probes",
        "state_shared": f"{_HERE}.probes",
        "knows_labels": f"{_HERE}.probes",
        "scored_samples_read": f"{_HERE}.probes",
    },
    in_workers=False,
)


def leak_rule(name: str, *, in_runs: bool = False, fits: bool = False) -> Callable[[Check], Check]:
    """Return a decorator that registers a check as a rule.

    Parameters
    ----------
    name : str
        What its findings are called.
    in_runs : bool, default=False
        Whether every run of `cross_validate_oof` asks it; it must cost next to nothing.
    fits : bool, default=False
        Whether it fits models, so that ``audit(probes=False)`` leaves it out.

    Returns
    -------
    callable
        It returns the check as it is.
    """

    def register(check: Check) -> Check:
        RULES.register(name)(Rule(check, in_runs, fits))
        return check

    return register
