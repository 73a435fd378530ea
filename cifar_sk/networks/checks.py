"""Whether a network turns images into class probabilities; imports Keras, so load it late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.networks.graphs import graph_of

__all__ = ["check_builder", "check_network"]


def check_builder(builder: Any) -> None:
    """Refuse a model where a function that builds one is needed."""
    if isinstance(builder, keras.Model):
        raise InputError(
            f"network must be a function build(input_shape, n_classes) that returns a new model, "
            f"got the {type(builder).__name__} object {builder.name!r}, which every fit would "
            f"train on."
        )


def check_network(network: Any, input_shape: Sequence[int], n_classes: int) -> None:
    """Refuse what a builder returned unless it turns images into probabilities of the classes.

    A last layer that is a softmax is believed; another one is asked about two random images.
    """
    _check_graph(network)
    inputs, outputs = network.inputs, network.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(
            f"The network must have one input and one output, got {len(inputs)} and "
            f"{len(outputs)}; return a keras.Model of the images and the probabilities alone."
        )
    if not _fits(inputs[0].shape, (None, *input_shape)):
        raise InputError(
            f"The network must take images of shape {tuple(input_shape)}, got an input of shape "
            f"{inputs[0].shape[1:]}; make it with keras.Input(input_shape)."
        )
    if tuple(network.output_shape) != (None, n_classes):
        raise InputError(
            f"The network must end in a softmax over the {n_classes} classes, got an output of "
            f"shape {network.output_shape}."
        )
    if not _ends_in_softmax(network):
        _check_probabilities(network, input_shape)


def _check_graph(network: Any) -> None:
    if not isinstance(network, keras.Model):
        raise InputError(
            f"A network's builder must return a keras.Model, got {type(network).__name__}."
        )
    if graph_of(network) is not None:
        return
    if isinstance(network, keras.Sequential):
        raise InputError(
            "The network is a Sequential model whose input shape is not known; begin it with "
            "keras.Input(input_shape)."
        )
    raise InputError(
        f"The network is a {type(network).__name__}, a subclassed model without a graph; return "
        f"keras.Model(inputs, model(inputs)) with inputs = keras.Input(input_shape)."
    )


def _fits(shape: Sequence[int | None], needed: Sequence[int | None]) -> bool:
    return len(shape) == len(needed) and all(
        size in {None, other} for size, other in zip(shape, needed, strict=True)
    )


def _ends_in_softmax(network: Any) -> bool:
    last = network.outputs[0]._keras_history.operation
    if isinstance(last, keras.Model):
        return graph_of(last) is not None and len(last.outputs) == 1 and _ends_in_softmax(last)
    if isinstance(last, keras.layers.Softmax):
        return last.axis in {-1, 1}
    is_layer = isinstance(last, keras.layers.Dense | keras.layers.Activation)
    return is_layer and last.activation is keras.activations.softmax


def _check_probabilities(network: Any, input_shape: Sequence[int]) -> None:
    images = np.random.default_rng(0).random((2, *input_shape), np.float32)
    rows = keras.ops.convert_to_numpy(network(images, training=False)).astype(np.float64)
    sums = rows.sum(axis=1)
    if not (rows >= 0).all() or not np.allclose(sums, 1, rtol=0, atol=1e-3):
        raise InputError(
            f"The network's outputs are no probabilities: those of an image go from "
            f"{rows[0].min():.3g} to {rows[0].max():.3g} and sum to {sums[0]:.3g}; end it in a "
            f"softmax, such as keras.layers.Softmax()."
        )
