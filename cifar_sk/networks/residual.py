"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cifar_sk.errors import InputError
from cifar_sk.networks.blocks import check_images, layer_options, normalised_conv
from cifar_sk.networks.registry import register

if TYPE_CHECKING:
    import keras


@register("resnet", batch_size=128)
def resnet(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    depth: int = 20,
    width: int = 16,
    activation: str = "relu",
    l2: float = 1e-4,
    kernel_initializer: str = "he_normal",
) -> keras.Model:
    """Residual network for small images, ResNet-20 by default.

    Parameters
    ----------
    input_shape, n_classes, and what is not named here
        As for `cnn`.
    depth : int, default=20
        Layers with weights; 6n + 2 for n residual blocks in each of the three stages.
    width : int, default=16
        Filters of the first stage; each later stage has twice as many.
    l2 : float, default=1e-4
        L2 penalty on the convolutions.

    Returns
    -------
    keras.Model

    Notes
    -----
    The shortcuts have no weights (option A of [1]_): where a stage halves the image, every
    second pixel is kept and the new channels are zero.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition",
       CVPR 2016, section 4.2. :doi:`10.1109/CVPR.2016.90`
    """
    import keras
    from keras import layers

    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth of 'resnet' must be 6n + 2 (8, 14, 20, 32, …), got {depth}.")
    check_images("resnet", input_shape, 2)
    options = layer_options(None, l2, kernel_initializer)
    inputs = keras.Input(tuple(input_shape))
    x = layers.Activation(activation)(normalised_conv(inputs, width, options))
    for stage in range(3):
        for block in range((depth - 2) // 6):
            strides = 2 if stage and not block else 1
            y = normalised_conv(x, width * 2**stage, options, strides)
            y = layers.Activation(activation)(y)
            y = normalised_conv(y, width * 2**stage, options)
            x = layers.Activation(activation)(layers.Add()([_shortcut(x, strides), y]))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, outputs, name=f"resnet{depth}")


def _shortcut(x: Any, strides: int) -> Any:
    import keras

    if strides == 1:
        return x
    kept = keras.layers.MaxPooling2D(pool_size=1, strides=strides, padding="same")(x)
    return keras.ops.pad(kept, [[0, 0], [0, 0], [0, 0], [0, kept.shape[-1]]])
