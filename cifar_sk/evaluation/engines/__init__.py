"""Where folds run: here one after another, in threads, in processes, or in an engine of yours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cifar_sk.registry import Registry

__all__ = ["ENGINES"]

# Classes, or functions without arguments, that make an `Engine`.
ENGINES: Registry[Callable[[], Any]] = Registry(
    "engine",
    own={
        "serial": f"{__name__}.serial",
        "processes": f"{__name__}.processes",
        "threads": f"{__name__}.threads",
    },
)
