"""The space and the pipeline that ``python -m cifar_sk.tune`` tunes, whatever the data."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from cifar_sk.backend.machine import jobs_at_a_time
from cifar_sk.commands.cross_validation import CVJob
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.folds.splits import make_splits
from cifar_sk.pipelines.models import make_model, parse_assignments, set_params
from cifar_sk.pipelines.params import PASSTHROUGH
from cifar_sk.tuning.search import StudySearchCV
from cifar_sk.tuning.shipped_spaces import SPACES, augmentation_policy, space_for
from cifar_sk.tuning.spaces import SearchSpace

__all__ = ["Setup", "read_space"]


def read_space(model: str, names: list[str], own: Mapping[str, Any] | None) -> SearchSpace:
    """Join shipped spaces and TOML files; without any it is a user study's own, or the model's."""
    if not names:
        return space_for(model) if own is None else SearchSpace(own)
    spaces = [
        SearchSpace(SPACES[name]) if name in SPACES else SearchSpace.from_toml(_toml(name))
        for name in names
    ]
    return reduce(operator.or_, spaces)


def _toml(name: str) -> Path:
    if not name.endswith(".toml"):
        raise InputError(
            f"There is no space {name!r}{did_you_mean(name, SPACES)}; give one of "
            f"{', '.join(SPACES)}, or a file whose name ends in .toml."
        )
    return Path(name)


@dataclass(frozen=True)
class Setup:
    """A pipeline and the space that is searched for it, whatever the data."""

    model: str
    augment: str
    fixed: dict[str, Any]  # parameters that are set by hand
    pipeline: Pipeline
    space: SearchSpace

    @classmethod
    def make(
        cls,
        model: str,
        augment: str | None,
        space: SearchSpace,
        epochs: int | None,
        assignments: list[str],
    ) -> Setup:
        """Make the pipeline that the options name."""
        fixed = {} if epochs is None else {"classifier__epochs": epochs}
        fixed |= parse_assignments(assignments)
        policy = augmentation_policy(space) if augment is None else augment
        pipeline = make_model(model, augment=policy)
        if augment is None:  # to begin with none of the operations that are tuned
            set_params(pipeline, dict.fromkeys(space.operations, PASSTHROUGH))
        set_params(pipeline, fixed)
        both = sorted(set(fixed) & set(space.names))
        if both:
            raise InputError(
                f"{', '.join(both)} cannot be both set and tuned; leave it out of one of the two."
            )
        space.check(pipeline)
        return cls(model, policy, fixed, pipeline, space)

    def nested(
        self,
        bunch: Bunch,
        n_folds: int,
        seed: int,
        n_threads: int,
        groups: np.ndarray | None,
        options: dict[str, Any],
    ) -> CVJob:
        """Make the cross-validation of a search; `options` are those of `StudySearchCV`."""
        search = StudySearchCV(self.pipeline, self.space.to_dict(), **options)
        splits = make_splits(bunch.target, n_folds=n_folds, groups=groups, random_state=seed)
        n_jobs = jobs_at_a_time("auto", n_folds, n_threads)
        return CVJob(bunch, splits, search, seed, n_threads, n_jobs, False, groups=groups)
