"""The graph of operations that a Keras model is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["flat_layers", "graph_nodes", "graph_of"]


def graph_of(model: Any) -> Any:
    """Return the functional model that a model is or holds, or None where it has no graph."""
    graph = getattr(model, "_functional", model)
    return graph if hasattr(graph, "_run_through_graph") else None


def graph_nodes(model: Any) -> list[Any]:
    """Return the places of a model's graph where an operation stands; none where it has none."""
    graph = graph_of(model)
    by_depth = {} if graph is None else graph._nodes_by_depth
    return [node for nodes in by_depth.values() for node in nodes]


def flat_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model in order, those of nested models with a graph among them."""
    for layer in model.layers:
        is_open = hasattr(layer, "layers") and graph_of(layer) is not None
        yield from flat_layers(layer) if is_open else (layer,)
