"""Tuning by Optuna studies: spaces, pruning over folds and epochs, storages, a search."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cifar_sk.tuning.pruning import FoldPruner
    from cifar_sk.tuning.search import StudySearchCV
    from cifar_sk.tuning.shipped_spaces import SPACES
    from cifar_sk.tuning.spaces import SearchSpace

__all__ = ["SPACES", "FoldPruner", "SearchSpace", "StudySearchCV"]

# Optuna is loaded when it is used, so that a space can be read without it.
_MODULES = {
    "FoldPruner": "pruning",
    "SPACES": "shipped_spaces",
    "SearchSpace": "spaces",
    "StudySearchCV": "search",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
