"""Models as graphs of operations, which can be run with other functions in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

from cifar_sk.networks.graphs import graph_nodes, graph_of

__all__ = [
    "Replacements",
    "final_operation",
    "leading_rescaling",
    "linear_head",
    "run_graph",
    "times_used",
]

# What stands for a layer while the network runs: takes the layer and what it was called with.
Replacements = Mapping[Any, Callable[..., Any]]


def run_graph(model: keras.Model, x: Any, replaced: Replacements) -> Any:
    """Run a model with other functions in the place of some layers, where it has a graph."""
    graph = graph_of(model)
    if graph is None:
        return model(x, training=False)

    def step(operation: Any) -> Callable[..., Any]:
        if operation in replaced:
            return lambda *args, **kwargs: replaced[operation](operation, *args, **kwargs)
        if isinstance(operation, keras.Model):
            return lambda inputs, **_: run_graph(operation, inputs, replaced)
        return operation

    # Private, but the one way to reach into a graph that leaves the model as it was: a model
    # made of parts of another one adds nodes to the other's layers.
    return graph._run_through_graph(x, operation_fn=step)


def final_operation(model: keras.Model) -> Any:
    """Return the operation that computes the output, or None where there is no graph."""
    graph = graph_of(model)
    if graph is None:
        return None
    last = graph.operations[-1]
    return final_operation(last) if isinstance(last, keras.Model) else last


def linear_head(last: Any) -> Callable[..., Any] | None:
    """Return the last operation without its softmax, or None where it has none.

    A dense layer's is a new layer with a copy of its weights.
    """
    if isinstance(last, keras.layers.Softmax):
        return lambda x, **_: x
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return None
    if isinstance(last, keras.layers.Activation):
        return lambda x, **_: x
    head = type(last).from_config({**last.get_config(), "activation": None})
    head.build(last.input.shape)
    head.set_weights(last.get_weights())
    return head


def leading_rescaling(model: keras.Model) -> Any:
    """Return the ``Rescaling`` that is all that reads the input, or None."""
    graph = graph_of(model)
    if graph is None:
        return None
    readers = [
        node.operation
        for node in graph_nodes(model)
        if any(x is graph.inputs[0] for x in node.input_tensors)
    ]
    if len(readers) != 1:
        return None
    if isinstance(readers[0], keras.Model):
        return leading_rescaling(readers[0])
    return readers[0] if isinstance(readers[0], keras.layers.Rescaling) else None


def times_used(model: keras.Model, layer: Any) -> int:
    """Count the places of a model's graph where a layer stands, nested models among them."""
    operations = [node.operation for node in graph_nodes(model)]
    nested = [x for x in operations if isinstance(x, keras.Model)]
    return operations.count(layer) + sum(times_used(x, layer) for x in nested)
