"""The methods by name, and one number per pixel of each, to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.gradcam import grad_cam, last_feature_maps
from cifar_sk.interpret.gradients import integrated_gradients, saliency, smooth_grad
from cifar_sk.interpret.networks import ImageNetwork
from cifar_sk.interpret.occlusion import occlusion

__all__ = ["METHODS", "Method", "applicable_methods", "attribution_maps"]


@dataclass(frozen=True)
class Method:
    """A way to attribute a prediction to pixels.

    ``compute(classifier, images, classes)`` returns (n, h, w, c) or (n, h, w), and ``reduce``
    makes one number per pixel of that. Where `is_signed`, negative ones speak against the class.
    """

    title: str
    compute: Callable[..., np.ndarray]
    reduce: Callable[[np.ndarray], np.ndarray]
    is_signed: bool


def _strongest(gradient: np.ndarray) -> np.ndarray:
    return np.abs(gradient).max(axis=-1)


def _sum(attribution: np.ndarray) -> np.ndarray:
    return attribution.sum(axis=-1)


METHODS = {
    "saliency": Method("saliency", saliency, _strongest, False),
    "smooth_grad": Method("SmoothGrad", smooth_grad, _strongest, False),
    "integrated_gradients": Method("integrated gradients", integrated_gradients, _sum, True),
    "grad_cam": Method("Grad-CAM", grad_cam, np.asarray, False),
    "occlusion": Method("occlusion", occlusion, np.asarray, True),
}


def applicable_methods(classifier: BaseImageClassifier | keras.Model) -> list[str]:
    """List the keys of ``METHODS`` that fit a classifier: without convolutions no Grad-CAM."""
    try:
        last_feature_maps(classifier)
    except InputError:
        return [name for name in METHODS if name != "grad_cam"]
    return list(METHODS)


def attribution_maps(
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    methods: Sequence[str] | None = None,
    random_state: int = 0,
) -> dict[str, np.ndarray]:
    """Explain images by several methods, with one number per pixel.

    Parameters
    ----------
    classifier, images, classes
        As for `saliency`.
    methods : sequence of str or None, default=None
        Keys of ``METHODS``; None for all that the network allows.
    random_state : int, default=0
        Seed of the noise of SmoothGrad.

    Returns
    -------
    dict of str to ndarray of float32, shape (n, h, w)
        For gradients the greatest absolute value over the channels; for integrated gradients
        their sum; Grad-CAM and occlusion as they are.
    """
    if classes is None:  # once, and not by every method
        network = ImageNetwork(classifier)
        classes = network.classes[network.columns(None, network.prepare(images))]
    maps = {}
    for name in applicable_methods(classifier) if methods is None else methods:
        if name not in METHODS:
            raise InputError(f"There is no method {name!r}{did_you_mean(name, METHODS)}.")
        options = {"random_state": random_state} if name == "smooth_grad" else {}
        attribution = METHODS[name].compute(classifier, images, classes, **options)
        maps[name] = METHODS[name].reduce(attribution)
    return maps
