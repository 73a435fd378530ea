"""Grad-CAM: where the last feature maps speak for the class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from cifar_sk.backend.operations import released_memory
from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.networks import ImageNetwork

__all__ = ["grad_cam", "last_feature_maps"]

_CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
_ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)


@released_memory()
def grad_cam(
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    layer: str | None = None,
) -> np.ndarray:
    """Weight a layer's feature maps by how much each raises the class's logit [1]_.

    Parameters
    ----------
    classifier, images, classes
        As for `saliency`; the network must be convolutional.
    layer : str or None, default=None
        Name of a layer that returns feature maps; None for the last convolution, with its
        activation.

    Returns
    -------
    ndarray of float32, shape (n, h, w)
        0 or more; stretched bilinearly from the maps' size to the image's. Zero everywhere
        where no map speaks for the class.

    Notes
    -----
    Of the image as it is: test-time augmentation has no part in it, for mirrored maps do not
    lie over each other.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
       gradient-based localization", ICCV 2017. :doi:`10.1109/ICCV.2017.74`
    """
    network = ImageNetwork(classifier)
    target = _maps(network, last_feature_maps(classifier) if layer is None else layer)
    x = network.prepare(images)
    weight = network.one_hot(network.columns(classes, x))
    maps = network.evaluate(lambda batch: network.activation(target, batch), x)
    # The gradient with respect to the maps is that with respect to something added to them.
    gradient = network.differentiate(
        lambda added, x, weight: ops.sum(_logits_with(network, target, added, x) * weight, axis=1)
    )
    _, slopes = gradient(np.zeros_like(maps), x, weight)
    importance = slopes.mean(axis=(1, 2), keepdims=True)
    cam = np.maximum((importance * maps).sum(axis=-1, keepdims=True), 0)
    stretched = ops.image.resize(
        cam, network.image_shape[:2], interpolation="bilinear", data_format="channels_last"
    )
    return ops.convert_to_numpy(stretched)[..., 0].astype(np.float32)


def _logits_with(network: ImageNetwork, layer: Any, added: Any, x: Any) -> Any:
    def add(called: Any, *args: Any, **kwargs: Any) -> Any:
        maps = called(*args, **kwargs)
        return maps + ops.cast(added, maps.dtype)

    return network.logits(x, replaced={layer: add}, views=False)


def last_feature_maps(classifier: BaseImageClassifier | keras.Model) -> str:
    """Name the last convolution, or its activation where that is a layer of its own.

    An `InputError` says that there is none.
    """
    network = ImageNetwork(classifier)
    unique = [layer for layer in network.layers if not network.is_shared(layer)]
    places = [place for place, layer in enumerate(unique) if isinstance(layer, _CONVOLUTIONS)]
    if not places:
        raise InputError(
            "Grad-CAM needs a network with convolutions, and this one has none; use saliency, "
            "smooth_grad, integrated_gradients or occlusion."
        )
    last = unique[places[-1]]
    if last.activation is keras.activations.linear:
        for layer in unique[places[-1] + 1 :]:
            if isinstance(layer, _ACTIVATIONS) and len(layer.output.shape) == 4:
                return layer.name
    return last.name


def _maps(network: ImageNetwork, name: str) -> Any:
    found = network.layer(name)
    if len(found.output.shape) != 4:
        raise InputError(
            f"layer must return feature maps (n, h, w, filters), but {name!r} returns "
            f"{found.output.shape}."
        )
    return found
