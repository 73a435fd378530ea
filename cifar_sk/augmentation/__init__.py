"""Augmentation as steps of a plain scikit-learn pipeline.

``fit_transform``, which a pipeline calls while it fits, attaches a random operation to the images
and changes no pixel; the classifier draws the operation afresh for every batch. ``transform``,
which a pipeline calls while it predicts, returns its input itself.

Geometric operations that stand next to each other, with the same `fill_mode` and `interpolation`,
are composed and resampled once, so ten degrees and a shift blur no more than either of them.
"""

from cifar_sk.augmentation.base import Augmentation
from cifar_sk.augmentation.geometry import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from cifar_sk.augmentation.images import AugmentedImages
from cifar_sk.augmentation.keras_layers import KerasAugmentation
from cifar_sk.augmentation.policies import augmentation_steps
from cifar_sk.augmentation.resampling import ImageResampler
from cifar_sk.augmentation.transformers import CutMix, MixUp, RandomContrast, RandomErasing

__all__ = [
    "Augmentation",
    "AugmentedImages",
    "CutMix",
    "ImageResampler",
    "KerasAugmentation",
    "MixUp",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "augmentation_steps",
]
