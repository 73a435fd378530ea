"""The graph of operations that a Keras model is."""

from __future__ import annotations

from typing import Any

__all__ = ["graph_nodes", "graph_of"]


def graph_of(model: Any) -> Any:
    """Return the functional model that a model is or holds, or None where it has no graph."""
    graph = getattr(model, "_functional", model)
    return graph if hasattr(graph, "_run_through_graph") else None


def graph_nodes(model: Any) -> list[Any]:
    """Return the places of a model's graph where an operation stands; none where it has none."""
    graph = graph_of(model)
    by_depth = {} if graph is None else graph._nodes_by_depth
    return [node for nodes in by_depth.values() for node in nodes]
