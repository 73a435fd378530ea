"""Augmentation policies: presets, and short texts, to the steps of a pipeline."""

from __future__ import annotations

import inspect
from typing import Any

from cifar_sk.augmentation import geometry, transformers
from cifar_sk.augmentation.base import Augmentation
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.registry import Registry

__all__ = ["STEPS", "augmentation_steps"]


def _as_step(name: str, value: Any) -> type[Augmentation]:
    if isinstance(value, type) and issubclass(value, Augmentation):
        return value
    raise InputError(
        f"The augmentation {name!r} must be a class derived from "
        "cifar_sk.augmentation.base.Augmentation."
    )


STEPS: Registry[type[Augmentation]] = Registry("augmentation", _as_step)
for _module in (geometry, transformers):
    for _name in _module.__all__:
        _step_class: type[Augmentation] = getattr(_module, _name)
        STEPS.register(_step_class.policy[0])(_step_class)

# Geometric steps in the order in which Keras' ImageDataGenerator, which R2 and R4 use, applies
# them. It reads its shear_range in degrees, so R4's 0.2 moved nothing by more than 0.06 pixels;
# the preset reads it as the fraction that the other ranges are.
_PRESETS = {
    "none": "",
    "light": "flip,crop:4",
    "r2": "rotate:15,translate:0.1,flip",
    "r4": "rotate:20,translate:0.2,shear:0.2,zoom:0.2,flip",
}


def augmentation_steps(policy: str) -> list[Augmentation]:
    """Read an augmentation policy into the steps of a pipeline.

    Parameters
    ----------
    policy : str
        A preset – "none", "light" (flip, and crop from 4 pixels of padding), "r2" or "r4" (those
        two reference recipes) – or operations separated by commas, applied in that order: flip,
        translate, rotate, zoom, shear, contrast, erase, crop, mixup, cutmix. Each may be followed
        by ":" and its values, separated by "/", as in "translate:0.1/0.2" (height, width).
        A preset may stand among the operations.

    Returns
    -------
    list of transformers
        Empty for "none".

    Raises
    ------
    InputError
        If the policy names an unknown operation or a value that it cannot use.

    Examples
    --------
    >>> augmentation_steps("flip,translate:0.2,cutmix")
    [RandomFlip(), RandomTranslation(height_factor=0.2, width_factor=0.2), CutMix()]
    >>> augmentation_steps("light")
    [RandomFlip(), RandomCrop()]
    >>> augmentation_steps("none")
    []
    """
    steps: list[Augmentation] = []
    for item in policy.split(","):
        name = item.strip()
        if name in _PRESETS:
            steps += augmentation_steps(_PRESETS[name]) if _PRESETS[name] else []
        else:
            steps.append(_step(name))
    return steps


def _step(item: str) -> Augmentation:
    parts = item.split(":")
    n_of_name = 2 if ":".join(parts[:2]) in STEPS else 1  # an import path has a colon of its own
    name, values = ":".join(parts[:n_of_name]), parts[n_of_name:]
    if name not in STEPS:
        hint = did_you_mean(name, [*STEPS, *_PRESETS])
        raise InputError(f"unknown augmentation {name!r}{hint}")
    step_class = STEPS[name]
    parameters = step_class.policy[1:] or tuple(inspect.signature(step_class).parameters)
    given = [_value(text) for text in ":".join(values).split("/")] if values else []
    if len(given) > len(parameters):
        raise InputError(
            f"augmentation {item!r} has {len(given)} values; {name} takes at most "
            f"{len(parameters)} ({'/'.join(parameters)})"
        )
    if name == "translate" and len(given) == 1:
        given *= 2  # one value is for both axes
    step = step_class(**dict(zip(parameters, given, strict=False)))
    step.check_parameters()
    return step


def _value(text: str) -> int | float | str:
    for number_type in (int, float):
        try:
            return number_type(text)
        except ValueError:
            continue
    return text.strip()
