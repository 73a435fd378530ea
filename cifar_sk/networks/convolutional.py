"""Plain convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_sk.networks.blocks import (
    batch_norm,
    check_images,
    dense_head,
    dropout_layer,
    layer_options,
)
from cifar_sk.networks.registry import register

if TYPE_CHECKING:
    import keras


@register("cnn")
def cnn(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    widths: Sequence[int] = (32, 64, 128),
    convs_per_block: int = 1,
    kernel_size: int = 3,
    activation: str = "relu",
    batch_normalization: bool = True,
    dropout: float = 0.25,
    dense_units: Sequence[int] = (256,),
    dense_dropout: float = 0.5,
    l2: float = 1e-3,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Three blocks of convolution, batch normalisation, pooling and dropout, and a dense layer.

    Parameters
    ----------
    input_shape : sequence of int, length 3
        (height, width, channels).
    n_classes : int
        Units of the softmax.
    widths : sequence of int, default=(32, 64, 128)
        Filters of each block; every block halves the image.
    convs_per_block : int, default=1
        Convolutions of each block, each followed by batch normalisation.
    kernel_size : int, default=3
        Side of the square kernels.
    activation : str, default="relu"
        Any Keras activation.
    batch_normalization : bool, default=True
        Whether the convolutions are normalised.
    dropout : float in [0, 1), default=0.25
        Rate after each block.
    dense_units : sequence of int, default=(256,)
        Width of each hidden dense layer.
    dense_dropout : float in [0, 1), default=0.5
        Rate after each hidden dense layer.
    l2 : float, default=1e-3
        L2 penalty on the kernels, but for the softmax's.
    kernel_initializer : str, default="glorot_uniform"
        Any Keras initialiser.

    Returns
    -------
    keras.Model
    """
    import keras
    from keras import layers

    check_images("cnn", input_shape, len(widths))
    options = layer_options(activation, l2, kernel_initializer)
    x = inputs = keras.Input(tuple(input_shape))
    for width in widths:
        for _ in range(convs_per_block):
            x = layers.Conv2D(width, kernel_size, padding="same", **options)(x)
            x = batch_norm(x) if batch_normalization else x
        x = dropout_layer(layers.MaxPooling2D()(x), dropout)
    outputs = dense_head(x, n_classes, dense_units, dense_dropout, options)
    return keras.Model(inputs, outputs, name="cnn")


@register("cnn-basic", epochs=10, early_stopping=False, schedule="constant")
def cnn_basic(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    widths: Sequence[int] = (32, 64),
    kernel_size: int = 3,
    activation: str = "relu",
    dropout: float = 0.0,
    dense_units: Sequence[int] = (64,),
    l2: float = 0.0,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Two valid convolutions (32, 64), each pooled, and a dense layer of 64.

    Parameters
    ----------
    input_shape, n_classes, and what is not named here
        As for `cnn`.
    widths : sequence of int, default=(32, 64)
        Filters of each convolution.
    kernel_size : int, default=3
        Side of the square kernels; borders are lost, not padded.
    dropout : float in [0, 1), default=0.0
        Rate after each pooling and each hidden dense layer.
    l2 : float, default=0.0
        L2 penalty on the kernels, but for the softmax's.

    Returns
    -------
    keras.Model
    """
    import keras
    from keras import layers

    check_images("cnn-basic", input_shape, len(widths), border=kernel_size - 1)
    options = layer_options(activation, l2, kernel_initializer)
    x = inputs = keras.Input(tuple(input_shape))
    for width in widths:
        x = layers.Conv2D(width, kernel_size, **options)(x)
        x = dropout_layer(layers.MaxPooling2D()(x), dropout)
    outputs = dense_head(x, n_classes, dense_units, dropout, options)
    return keras.Model(inputs, outputs, name="cnn_basic")


@register(
    "cnn-deep",
    epochs=100,
    batch_size=64,
    learning_rate=3e-4,
    early_stopping=False,
    schedule="constant",
)
def cnn_deep(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    blocks: Sequence[Sequence[int]] = ((128,), (256,), (512, 512, 256)),
    activation: str = "relu",
    dropout: float = 0.3,
    dense_units: Sequence[int] = (512, 256, 128),
    dense_dropout: float = 0.5,
    l2: float = 1e-4,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Five wide convolutions in three pooled blocks, and three dense layers.

    Parameters
    ----------
    input_shape, n_classes, and what is not named here
        As for `cnn`.
    blocks : sequence of sequences of int, default=((128,), (256,), (512, 512, 256))
        Filters of each 3×3 convolution, a sequence per block; every block halves the image.
    l2 : float, default=1e-4
        L2 penalty on the convolutions.

    Returns
    -------
    keras.Model
    """
    import keras
    from keras import layers

    check_images("cnn-deep", input_shape, len(blocks))
    options = layer_options(activation, l2, kernel_initializer)
    x = inputs = keras.Input(tuple(input_shape))
    for widths in blocks:
        for width in widths:
            x = layers.Conv2D(width, 3, padding="same", **options)(x)
        x = dropout_layer(layers.MaxPooling2D()(x), dropout)
    options["kernel_regularizer"] = None
    outputs = dense_head(x, n_classes, dense_units, dense_dropout, options)
    return keras.Model(inputs, outputs, name="cnn_deep")
