"""A network that learns within a dozen passes over the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cifar_sk.backend.machine import fast_dtype
from cifar_sk.errors import InputError
from cifar_sk.networks.blocks import check_images
from cifar_sk.networks.registry import register

if TYPE_CHECKING:
    import keras

_DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@register("fast")
def fast(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    width: int = 64,
    expansion: int = 4,
    activation: str = "swish",
    precision: str = "auto",
) -> keras.Model:
    """Whitened patches, then three groups of two convolutions, for training in few epochs.

    Parameters
    ----------
    input_shape, n_classes, and what is not named here
        As for `cnn`.
    width : int, default=64
        Filters of the first group's convolutions.
    expansion : int, default=4
        How many times as many filters the other two groups have.
    activation : str, default="swish"
        Any Keras activation.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        What activations are computed in; weights and sums are float32. "auto" means bfloat16
        where the processor or GPU multiplies it natively.

    Returns
    -------
    keras.Model

    Notes
    -----
    The groups halve the image while it has two pixels to halve, so 4×4 pixels are enough.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
       :doi:`10.48550/arXiv.2404.00498`
    """
    import keras
    from keras import layers

    from cifar_sk.networks.layers import BatchNormalization, Dirac, Whitening

    check_images("fast", input_shape, 2)
    if precision != "auto" and precision not in _DTYPES:
        raise InputError(f"precision must be auto, {', '.join(_DTYPES)}; got {precision!r}.")
    dtype = _DTYPES[fast_dtype() if precision == "auto" else precision]

    def convolution(x: Any, filters: int, *, pools: bool) -> Any:
        x = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer=Dirac(), dtype=dtype
        )(x)
        if pools and min(x.shape[1:3]) > 1:
            x = layers.MaxPooling2D(dtype=dtype)(x)
        # The recipe's moving average holds the last 2,500 images, in batches of 1,024; smaller
        # batches need a longer one. Without gamma: the next layer scales as well.
        x = BatchNormalization(scale=False, momentum=0.9, epsilon=1.001e-5, dtype=dtype)(x)
        return layers.Activation(activation, dtype=dtype)(x)

    inputs = keras.Input(tuple(input_shape))
    x = layers.Activation(activation, dtype=dtype)(Whitening(dtype=dtype)(inputs))
    for filters in (width, expansion * width, expansion * width):
        x = convolution(convolution(x, filters, pools=True), filters, pools=False)
    x = layers.GlobalMaxPooling2D(dtype="float32")(x)
    head = layers.Dense(
        n_classes,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
    )
    logits = layers.Rescaling(1 / 9)(head(x))
    outputs = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    return keras.Model(inputs, outputs, name="fast")
