"""Multiply-adds of a network, counted from its layers; imports Keras, so load it late."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
from keras import layers

from cifar_sk.networks.graphs import graph_nodes
from cifar_sk.networks.layers import Whitening

__all__ = ["multiply_adds"]

_WITH_KERNELS = (
    layers.Dense,
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
    Whitening,
)


def multiply_adds(model: keras.Model) -> int | None:
    """Count the multiply-adds of one sample's way through a built network.

    Each weight of a dense layer's or convolution's kernel counts once per place where it is used;
    biases, normalisation, activations and pooling are left out, as is usual. None if a layer has
    a kernel of another kind, is used more than once, or has no shape of its own.

    A 3×3 convolution with 8 filters over 6×6×2 images, unpadded: 4·4 places × 9·2·8 weights.

    >>> multiply_adds(keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(8, 3)]))
    2304
    """
    times = Counter(id(node.operation) for node in graph_nodes(model))
    if any(times[id(layer)] > 1 and layer.weights for layer in model.layers):
        return None
    counts = [
        multiply_adds(layer) if isinstance(layer, keras.Model) else _of_layer(layer)
        for layer in model.layers
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _of_layer(layer: Any) -> int | None:
    kernels = [tuple(weight.shape) for weight in layer.weights if len(weight.shape) > 1]
    if not kernels:
        return 0
    if not isinstance(layer, _WITH_KERNELS):
        return None
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):  # never called on its own
        return None
    # A dense kernel is used for every row before the last axis. That of a convolution, of shape
    # (size…, channels / groups, filters), at every place of the output; so is that of a depthwise
    # one, (size…, channels, multiplier).
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    places = shape[1:-1] if last else shape[2:]
    if None in places:
        return None
    return math.prod(places) * sum(math.prod(kernel) for kernel in kernels)
