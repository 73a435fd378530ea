"""Parts that several networks are built of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cifar_sk.errors import InputError


def check_images(
    name: str, input_shape: Sequence[int], n_halvings: int, *, border: int = 0
) -> None:
    """Refuse input that pooling would shrink to nothing, before Keras does so cryptically.

    `border` is what a convolution without padding takes off before each halving.
    """
    if len(input_shape) != 3:
        raise InputError(
            f"Network {name!r} needs images, got rows of {math.prod(input_shape)} numbers; "
            f"pass X of shape (n, height, width, channels) or set image_shape=."
        )
    least = 1
    for _ in range(n_halvings):
        least = 2 * least + border
    if min(input_shape[:2]) < least:
        height, width = input_shape[:2]
        raise InputError(
            f"Network {name!r} halves the image {n_halvings} times, which {height}×{width} "
            f"pixels do not allow; use images of at least {least}×{least} or fewer blocks."
        )


def layer_options(activation: str | None, l2: float, kernel_initializer: str) -> dict[str, Any]:
    """Return keywords of a dense layer or a convolution; a penalty of 0 is not computed."""
    import keras

    return {
        "activation": activation,
        "kernel_regularizer": keras.regularizers.L2(l2) if l2 else None,
        "kernel_initializer": kernel_initializer,
    }


def dense_head(
    x: Any, n_classes: int, units: Sequence[int], dropout: float, options: dict[str, Any]
) -> Any:
    """Hidden dense layers on the flattened input, each followed by dropout, then the softmax."""
    from keras import layers

    x = layers.Flatten()(x)
    for width in units:
        x = dropout_layer(layers.Dense(width, **options)(x), dropout)
    return layers.Dense(n_classes, activation="softmax", name="probabilities")(x)


def dropout_layer(x: Any, rate: float) -> Any:
    """Dropout, or nothing where the rate is 0."""
    from keras import layers

    return layers.Dropout(rate)(x) if rate else x


def batch_norm(x: Any) -> Any:
    """Batch normalisation whose moving statistics follow within an epoch of a small fold.

    Keras' default momentum of 0.99 needs some 500 steps to forget its initial values. On folds
    of 1,400 images the network then scores 0.95 in training and 0.1 in prediction.
    """
    from cifar_sk.networks.layers import BatchNormalization

    return BatchNormalization(momentum=0.9)(x)


def normalised_conv(x: Any, width: int, options: dict[str, Any], strides: int = 1) -> Any:
    """3×3 convolution without a bias, which the batch normalisation behind it would cancel."""
    from keras import layers

    x = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False, **options)(x)
    return batch_norm(x)
