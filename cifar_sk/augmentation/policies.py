"""Augmentation policies: presets, and short texts, to the steps of a pipeline."""

from __future__ import annotations

import inspect

from cifar_sk.augmentation.base import Augmentation
from cifar_sk.augmentation.transformers import (
    CutMix,
    MixUp,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.registry import Registry

__all__ = ["OPERATIONS", "augmentation_steps"]

Operation = tuple[type[Augmentation], tuple[str, ...]]


def _operation(name: str, step: type[Augmentation]) -> Operation:
    """Let values after ":" set the parameters of a user's own step in their order."""
    if not isinstance(step, type) or not issubclass(step, Augmentation):
        raise InputError(
            f"The augmentation {name!r} must be a class derived from "
            "cifar_sk.augmentation.base.Augmentation."
        )
    return step, tuple(inspect.signature(step).parameters)


OPERATIONS: Registry[Operation] = Registry("augmentation", _operation)

# The operation's name in a policy → its class and the parameters that values after ":" set.
_OWN: dict[str, Operation] = {
    "flip": (RandomFlip, ("mode",)),
    "translate": (RandomTranslation, ("height_factor", "width_factor")),
    "rotate": (RandomRotation, ("degrees",)),
    "zoom": (RandomZoom, ("factor",)),
    "shear": (RandomShear, ("factor",)),
    "contrast": (RandomContrast, ("factor",)),
    "erase": (RandomErasing, ("size", "fill")),
    "crop": (RandomCrop, ("padding", "padding_mode")),
    "mixup": (MixUp, ("alpha",)),
    "cutmix": (CutMix, ("alpha",)),
}
for _name, _class_and_parameters in _OWN.items():
    OPERATIONS.register(_name)(_class_and_parameters)

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
    name, colon, values = item.partition(":")
    path = ":".join(item.split(":")[:2])
    if path in OPERATIONS:  # an import path has a colon of its own
        name, (colon, values) = path, item.removeprefix(path).partition(":")[1:]
    if name not in OPERATIONS:
        hint = did_you_mean(name, [*OPERATIONS, *_PRESETS])
        raise InputError(f"unknown augmentation {name!r}{hint}")
    operation, parameters = OPERATIONS[name]
    given = [_value(text) for text in values.split("/")] if colon else []
    if len(given) > len(parameters):
        raise InputError(
            f"augmentation {item!r} has {len(given)} values; {name} takes at most "
            f"{len(parameters)} ({'/'.join(parameters)})"
        )
    if name == "translate" and len(given) == 1:
        given *= 2  # one value is for both axes
    step = operation(**dict(zip(parameters, given, strict=False)))
    step.check_parameters()
    return step


def _value(text: str) -> int | float | str:
    for number_type in (int, float):
        try:
            return number_type(text)
        except ValueError:
            continue
    return text.strip()
