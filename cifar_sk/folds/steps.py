"""Steps of a pipeline, as the fold loop sees them: which one classifies, which have seeds."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from cifar_sk.errors import InputError

__all__ = [
    "PASSTHROUGH",
    "check_augmentation_order",
    "check_resampling",
    "check_saveable",
    "final_classifier",
    "groups_params",
    "holds_out",
    "is_augmentation",
    "is_left_out",
    "last_step",
    "resampling_step",
    "seeded_clone",
]

PASSTHROUGH = "passthrough"  # scikit-learn's word for a step that is left out
# Seed streams of a run: folds have theirs at (0, index).
_FOLD_STREAM = 0


def is_left_out(step: Any) -> bool:
    """Tell whether a pipeline leaves a step out."""
    return step is None or (isinstance(step, str) and step == PASSTHROUGH)


def is_augmentation(step: Any) -> bool:
    """Tell whether a step only changes what is trained on, image by image."""
    return getattr(step, "_is_augmentation", False)


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline; any other estimator is its own."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def final_classifier(estimator: Any) -> Any:
    """Return what classifies: the last step, of the best pipeline where a search was fitted."""
    last = last_step(estimator)
    return last_step(last.best_estimator_) if hasattr(last, "best_estimator_") else last


def resampling_step(estimator: Any) -> str | None:
    """Name the first step of a pipeline that resamples, or return None."""
    steps = getattr(estimator, "steps", [])[:-1]
    return next((name for name, step in steps if hasattr(step, "fit_resample")), None)


def holds_out(classifier: Any) -> bool:
    """Tell whether a classifier holds out samples in ``fit``, for early stopping to watch."""
    return bool(getattr(classifier, "holds_out", False))


def check_resampling(estimator: Any) -> None:
    """Warn of pipelines, also inside of others, whose inner split is drawn of resampled images."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    for part in (part for part in parts if isinstance(part, Pipeline)):
        sampler = resampling_step(part)
        if sampler is None or hasattr(part, "splits_first") or not holds_out(last_step(part)):
            continue
        warnings.warn(
            f"Step {sampler!r} resamples before {type(last_step(part)).__name__} holds out what "
            f"early stopping watches, so that copies of what it watches are trained on; use "
            f"cifar_sk.InnerSplitPipeline in place of {type(part).__name__}.",
            stacklevel=3,
        )


def groups_params(estimator: Any, groups: Any) -> dict[str, Any]:
    """Return what ``fit`` is to be given for groups to guide the splits inside of it, if any."""
    if groups is None:
        return {}
    if get_config()["enable_metadata_routing"]:
        asks = get_routing_for_object(estimator).consumes("fit", ["groups"])
        return {"groups": groups} if asks else {}
    if not hasattr(estimator, "steps"):
        takes = "groups" in inspect.signature(estimator.fit).parameters
        return {"groups": groups} if takes else {}
    if resampling_step(estimator) and not hasattr(estimator, "splits_first"):
        return {}  # groups cannot follow images through it, of which check_resampling warns
    name, last = estimator.steps[-1]
    return {f"{name}__{key}": value for key, value in groups_params(last, groups).items()}


def check_augmentation_order(estimator: Any) -> None:
    """Refuse transformers between augmentation and a network of ours, which would draw it anew."""
    if not getattr(last_step(estimator), "_seeds_augmentation", False):
        return  # others train on one draw anyway
    augmentation = None
    for name, step in getattr(estimator, "steps", [])[:-1]:
        if is_augmentation(step):
            augmentation = name
        elif augmentation and not is_left_out(step):
            raise InputError(
                f"Step {name!r} ({type(step).__name__}) behind the augmentation "
                f"{augmentation!r} would freeze it: every epoch would train on the same draw; "
                f"put {name!r} in front of {augmentation!r}."
            )


def check_saveable(estimator: Any) -> None:
    """Refuse pipelines of which the saved classifier alone would not predict the same."""
    if hasattr(estimator, "estimator") and hasattr(estimator, "save"):  # a search of ours
        estimator = estimator.estimator
    for name, step in getattr(estimator, "steps", [])[:-1]:
        resamples = hasattr(step, "fit_resample")
        if not (resamples or is_left_out(step) or is_augmentation(step)):
            raise InputError(
                f"Models can be saved where all steps but the last only act in training; "
                f"step {name!r} ({type(step).__name__}) also acts at predict."
            )
    classifier = final_classifier(estimator)
    if not hasattr(classifier, "save"):
        raise InputError(f"{type(classifier).__name__} has no save method; leave save_models off.")


def seeded_clone(estimator: Any, random_state: int, index: int) -> Any:
    """Clone an estimator, with a seed of this run and fold for each ``random_state`` of None."""
    estimator = clone(estimator)
    # Augmentation in front of a classifier of ours takes its seed from that.
    inherits = getattr(final_classifier(estimator), "_seeds_augmentation", False)
    params = estimator.get_params(deep=True)
    names = sorted(
        name
        for name, value in params.items()
        if name.rpartition("__")[2] == "random_state"
        and value is None
        and not (inherits and is_augmentation(params.get(name.rpartition("__")[0])))
    )
    sequence = np.random.SeedSequence(random_state, spawn_key=(_FOLD_STREAM, index))
    seeds = sequence.generate_state(len(names)) >> 1  # scikit-learn takes 31 bits
    return estimator.set_params(**dict(zip(names, map(int, seeds), strict=True)))
