"""A fully connected network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_sk.networks.blocks import dense_head, layer_options
from cifar_sk.networks.registry import register

if TYPE_CHECKING:
    import keras


@register("ann")
def ann(
    input_shape: Sequence[int],
    n_classes: int,
    *,
    hidden_units: Sequence[int] = (3000, 1000),
    activation: str = "relu",
    dropout: float = 0.0,
    l2: float = 0.0,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Dense layers of 3000 and 1000 units on the flattened pixels.

    Parameters
    ----------
    input_shape : sequence of int
        (height, width, channels), or (n_features,) for rows without an image shape.
    n_classes : int
        Units of the softmax.
    hidden_units : sequence of int, default=(3000, 1000)
        Width of each hidden layer.
    activation : str, default="relu"
        Any Keras activation: "relu", "gelu", "swish", ….
    dropout : float in [0, 1), default=0.0
        Rate after each hidden layer.
    l2 : float, default=0.0
        L2 penalty on the hidden kernels.
    kernel_initializer : str, default="glorot_uniform"
        Any Keras initialiser, for the hidden kernels.

    Returns
    -------
    keras.Model
    """
    import keras

    inputs = keras.Input(tuple(input_shape))
    options = layer_options(activation, l2, kernel_initializer)
    outputs = dense_head(inputs, n_classes, hidden_units, dropout, options)
    return keras.Model(inputs, outputs, name="ann")
