"""A network in the style of VGG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_sk.networks.blocks import (
    check_images,
    dense_head,
    dropout_layer,
    layer_options,
    normalised_conv,
)
from cifar_sk.networks.registry import register

if TYPE_CHECKING:
    import keras


@register("vgg", batch_size=64)
def vgg(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    widths: Sequence[int] = (64, 128, 256),
    convs_per_block: int = 2,
    activation: str = "relu",
    dropout: float = 0.3,
    dense_units: Sequence[int] = (512,),
    dense_dropout: float = 0.5,
    l2: float = 5e-4,
    kernel_initializer: str = "he_normal",
) -> keras.Model:
    """VGG-style: three blocks of two 3×3 convolutions with batch normalisation.

    Parameters
    ----------
    input_shape, n_classes, and what is not named here
        As for `cnn`.
    widths : sequence of int, default=(64, 128, 256)
        Filters of each block; every block halves the image.
    convs_per_block : int, default=2
        Convolutions of each block, normalised before their activation.
    l2 : float, default=5e-4
        L2 penalty on the kernels, but for the softmax's.

    Returns
    -------
    keras.Model

    References
    ----------
    .. [1] K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image
       recognition", ICLR 2015. :doi:`10.48550/arXiv.1409.1556`
    .. [2] S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
       :doi:`10.48550/arXiv.1502.03167`
    """
    import keras
    from keras import layers

    check_images("vgg", input_shape, len(widths))
    options = layer_options(activation, l2, kernel_initializer)
    linear = {**options, "activation": None}
    x = inputs = keras.Input(tuple(input_shape))
    for width in widths:
        for _ in range(convs_per_block):
            x = layers.Activation(activation)(normalised_conv(x, width, linear))
        x = dropout_layer(layers.MaxPooling2D()(x), dropout)
    outputs = dense_head(x, n_classes, dense_units, dense_dropout, options)
    return keras.Model(inputs, outputs, name="vgg")
