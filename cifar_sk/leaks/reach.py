"""What an estimator can reach: arrays and fitted models in attributes, closures and globals."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

__all__ = ["fitted_parts", "reachable"]

_MOST_OBJECTS = 20_000
_MOST_ITEMS = 10_000
_PACKAGES = frozenset(
    {
        *sys.stdlib_module_names,
        *("numpy", "scipy", "sklearn", "imblearn", "pandas", "keras", "tensorflow", "scikeras"),
        *("joblib", "torch", "jax", "optuna", "cifar_sk"),
    }
) - {"__main__"}
_LEAVES = (str, bytes, int, float, complex, bool, type(None), np.generic, np.dtype)


def reachable(*roots: Any) -> Iterator[Any]:
    """Yield each object that estimators, callbacks and fit parameters can reach, once."""
    waiting = list(roots)
    seen: dict[int, Any] = {}  # kept, for an object that is dropped could give its id to another
    while waiting and len(seen) < _MOST_OBJECTS:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, _LEAVES):
            continue
        seen[id(value)] = value
        yield value
        waiting += _parts(value)


def _parts(value: Any) -> Iterable[Any]:
    for kinds, parts_of in _WAYS:
        if isinstance(value, kinds):
            return parts_of(value)
    slots = (getattr(value, name, None) for name in getattr(type(value), "__slots__", ()))
    return [*slots, *getattr(value, "__dict__", {}).values(), type(value)]


def _of_array(array: np.ndarray) -> list[Any]:
    return [] if array.dtype != object else array.ravel()[:_MOST_ITEMS].tolist()


def _of_function(function: types.FunctionType) -> list[Any]:
    parts = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not filled yet
            parts.append(cell.cell_contents)
    if not _is_library(function.__module__):
        known = function.__globals__
        parts += [known[name] for name in _names(function.__code__) if name in known]
    return parts


def _names(code: types.CodeType) -> set[str]:
    """List the names that code, and the functions inside it, may look up."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _of_class(kind: type) -> list[Any]:
    if _is_library(kind.__module__):
        return []
    values = [getattr(value, "__func__", value) for value in vars(kind).values()]
    return [*values, *kind.__bases__]


def _is_library(module: str | None) -> bool:
    return (module or "builtins").partition(".")[0] in _PACKAGES


_WAYS: list[tuple[Any, Callable[[Any], Iterable[Any]]]] = [
    (np.ndarray, _of_array),
    (Mapping, lambda mapping: mapping.values()),
    ((list, tuple, set, frozenset), lambda items: list(items)[:_MOST_ITEMS]),
    (types.FunctionType, _of_function),
    (types.MethodType, lambda method: [method.__func__, method.__self__]),
    (partial, lambda call: [call.func, *call.args, *call.keywords.values()]),
    (type, _of_class),
    (types.ModuleType, lambda module: []),
]


def fitted_parts(estimator: Any) -> list[Any]:
    """List the estimators inside one that are fitted, outermost first, and none inside those."""
    found: list[Any] = []
    waiting = [estimator]
    seen: dict[int, Any] = {}
    while waiting:
        value = waiting.pop(0)
        if id(value) in seen or isinstance(value, _LEAVES):
            continue
        seen[id(value)] = value
        if _is_fitted(value):
            found.append(value)
        elif hasattr(value, "get_params") and not isinstance(value, type):
            waiting += [*vars(value).values()]
        elif isinstance(value, list | tuple):
            waiting += list(value)
    return found


def _is_fitted(value: Any) -> bool:
    if not hasattr(value, "fit") or isinstance(value, type):
        return False
    names = getattr(value, "__dict__", {})
    return any(name.endswith("_") and not name.startswith("_") for name in names)
