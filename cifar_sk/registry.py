"""Names for what can be added: networks, readers, metrics, figures and engines."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from cifar_sk.errors import InputError, did_you_mean

__all__ = ["Registry", "is_import_path", "load_object", "pack_registered", "unpack_registered"]

T = TypeVar("T")

_ALL: dict[str, Registry[Any]] = {}


class Registry(Mapping[str, T], Generic[T]):
    """What is known by a name, of this package, of installed ones and of a user's own code.

    Parameters
    ----------
    kind : str
        What is registered, for messages, such as "network".
    make : callable, default=None
        ``make(name, value)`` turns what an entry point or an import path names into what the
        registry holds; None takes it as it is.

    Notes
    -----
    An installed package adds to it by an entry point of the group ``cifar_sk.<kind>s``.

    Examples
    --------
    >>> fruits = Registry("fruit")
    >>> fruits.register("plum")(3)
    3
    >>> fruits["plum"], list(fruits)
    (3, ['plum'])
    """

    def __init__(self, kind: str, make: Callable[[str, Any], T] | None = None) -> None:
        self.kind = kind
        self._make = make or (lambda name, value: value)
        self._own: dict[str, T] = {}
        self._foreign: set[str] = set()
        self._asked_installed = False
        _ALL[kind] = self

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under a name, and returns it."""

        def add(value: T) -> T:
            self._own[name] = value
            if _caller_is_outside(value):
                self._foreign.add(name)
            return value

        return add

    def import_path(self, path: str) -> str:
        """Register what an import path of the command line names, under the path itself.

        Parameters
        ----------
        path : str
            ``package.module:attribute``. The module is imported, so never take one from a file.

        Returns
        -------
        str
            The path, which is a name from now on, here and in worker processes.

        Raises
        ------
        InputError
            If it cannot be imported.
        """
        self._own[path] = self._make(path, load_object(path, self.kind))
        self._foreign.add(path)
        return path

    def __getitem__(self, name: str) -> T:
        """Return what a name stands for; an `InputError` says which names there are."""
        self._ask_installed()
        if name not in self._own:
            raise InputError(f"There is no {self.kind} {name!r}{did_you_mean(name, self._own)}.")
        return self._own[name]

    def __contains__(self, name: object) -> bool:
        self._ask_installed()
        return name in self._own

    def __iter__(self) -> Iterator[str]:
        self._ask_installed()
        return iter(self._own)

    def __len__(self) -> int:
        self._ask_installed()
        return len(self._own)

    def remove(self, name: str) -> None:
        """Forget a name."""
        self._own.pop(name, None)
        self._foreign.discard(name)

    def _ask_installed(self) -> None:
        """Add the entry points of installed packages, once; names of our own come first."""
        if self._asked_installed:
            return
        self._asked_installed = True
        for point in metadata.entry_points(group=f"cifar_sk.{self.kind}s"):
            if point.name not in self._own:
                self._own[point.name] = self._make(point.name, point.load())


def _caller_is_outside(value: Any) -> bool:
    module = getattr(value, "__module__", None) or type(value).__module__
    return module.partition(".")[0] != __name__.partition(".")[0]


def is_import_path(text: str) -> bool:
    """Say whether a text has the form ``package.module:attribute`` or ``module:attribute``."""
    module, colon, attribute = text.partition(":")
    names = [*module.split("."), *attribute.split(".")]
    return bool(colon) and all(name.isidentifier() for name in names)


def load_object(path: str, kind: str) -> Any:
    """Import what ``package.module:attribute`` names; modules of the working folder are found."""
    module_name, _, attribute = path.partition(":")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script, unlike "python -m", has it not
    try:
        found: Any = importlib.import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"The {kind} {path!r} cannot be imported: {error}.") from error
    return found


def pack_registered() -> bytes | None:
    """Pack what was registered outside of this package, for another process; None for nothing.

    A function of a module is packed as its name, one of a script or a notebook as its code.
    """
    foreign = {
        kind: {name: registry._own[name] for name in registry._foreign}
        for kind, registry in _ALL.items()
        if registry._foreign
    }
    if not foreign:
        return None
    import cloudpickle

    return cloudpickle.dumps(foreign)


def unpack_registered(packed: bytes | None) -> None:
    """Register what another process has packed, but for names that are taken.

    It is part of a pickle, so no less trusted than that is.
    """
    # A fitted classifier predicts without its builder, which may be of a module that is not here.
    with suppress(ImportError, AttributeError):
        for kind, entries in (pickle.loads(packed) if packed else {}).items():  # noqa: S301
            registry = _ALL[kind]
            for name, value in entries.items():
                if name not in registry:
                    registry._own[name] = value
                    registry._foreign.add(name)
