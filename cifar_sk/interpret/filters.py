"""The first layer's weights, which have the form of images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.gradcam import last_feature_maps
from cifar_sk.interpret.networks import ImageNetwork
from cifar_sk.networks.layers import Whitening

__all__ = ["first_layer_filters", "hidden_layer"]


def first_layer_filters(classifier: BaseImageClassifier | keras.Model) -> np.ndarray:
    """Return what the first layer with weights of a classifier multiplies the pixels by.

    Returns
    -------
    ndarray of float32, shape (n_filters, height, width, c)
        A convolution's kernels; or, for a dense layer on the flattened pixels, an image per
        unit, as large as the images.

    Raises
    ------
    InputError
        If the first layer with weights is neither.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(),
    ...     keras.layers.Dense(20, "relu"), keras.layers.Dense(3, "softmax")])
    >>> first_layer_filters(model).shape
    (20, 8, 8, 1)
    """
    network = ImageNetwork(classifier)
    layer: Any = next((layer for layer in network.layers if hasattr(layer, "kernel")), None)
    if layer is not None:
        kernel = ops.convert_to_numpy(layer.kernel).astype(np.float32)
        if kernel.ndim == 2 and len(kernel) == np.prod(network.image_shape):
            return np.moveaxis(kernel.reshape(*network.image_shape, -1), -1, 0)
        if isinstance(layer, Whitening):
            # The layer divides the pixels by their deviations first.
            kernel = kernel / ops.convert_to_numpy(layer.std).reshape(-1, 1)
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)  # a filter per channel
        if kernel.ndim == 4 and kernel.shape[2] == network.image_shape[2] and not is_depthwise:
            return np.moveaxis(kernel, -1, 0)
    raise InputError(
        "The first layer with weights must be a convolution or a dense layer on the flattened "
        f"pixels to be drawn as images, but it is {type(layer).__name__}."
    )


def hidden_layer(classifier: BaseImageClassifier | keras.Model) -> tuple[str, int] | None:
    """Find the deepest layer whose filters are worth maximising: its name, and their number.

    It is that of the last feature maps; without convolutions, the last hidden dense layer; None
    where there is neither.
    """
    network = ImageNetwork(classifier)
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    try:
        layer = network.layer(last_feature_maps(classifier))
    except InputError:
        if len(dense) < 2:
            return None
        layer = dense[-2]
    return layer.name, int(layer.output.shape[-1])
