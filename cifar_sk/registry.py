"""Names for what can be added: networks, data sets, readers, metrics, figures and engines."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from cifar_sk.errors import InputError, did_you_mean

__all__ = [
    "Registry",
    "import_attribute",
    "importing_only",
    "is_import_path",
    "load_object",
    "own_code",
    "pack_registered",
    "unpack_registered",
]

T = TypeVar("T")

# Import paths that may be followed here; None is all, for they were typed by the user.
_importable: ContextVar[frozenset[str] | None] = ContextVar("importable", default=None)
_ALL: dict[str, Registry[Any]] = {}
_UNPACKED: dict[str, dict[str, Any]] = {}  # of registries whose module is not imported yet


@dataclass(frozen=True)
class _NotYetImported:
    """A name that is known, and how to get what it stands for."""

    load: Callable[[], Any]


class Registry(Mapping[str, T], Generic[T]):
    """Things by their names: of this package, of installed ones and of a user's own code.

    An installed package adds to it by an entry point of the group ``cifar_sk.<kind>s``. What an
    entry point or an import path names becomes ``make(name, value)``. Names of `own` are
    registered by the modules beside them, which are imported when a name is first asked for.
    Worker processes know all names, unless `in_workers` is false because they need none.
    """

    def __init__(
        self,
        kind: str,
        make: Callable[[str, Any], T] | None = None,
        *,
        own: Mapping[str, str] | None = None,
        in_workers: bool = True,
    ) -> None:
        self.kind = kind
        self.in_workers = in_workers
        self._make = make or (lambda name, value: value)
        self._entries: dict[str, T | _NotYetImported] = {
            name: _NotYetImported(partial(importlib.import_module, module))
            for name, module in (own or {}).items()
        }
        self._foreign: set[str] = set()
        self._asked_installed = False
        _ALL[kind] = self
        self._adopt(_UNPACKED.pop(kind, {}))

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under a name, and returns it."""

        def add(value: T) -> T:
            self._entries[name] = value
            if _is_from_outside(value):
                self._foreign.add(name)
            return value

        return add

    def import_path(self, path: str) -> str:
        """Register what ``package.module:attribute`` names, under that path.

        This runs a user's code, so the path comes from the command line and never from a file.
        """
        if not is_import_path(path):
            raise InputError(f"A {self.kind} of your own is package.module:name, got {path!r}.")
        self._entries[path] = self._make(path, load_object(path, self.kind))
        self._foreign.add(path)
        return path

    def __getitem__(self, name: str) -> T:
        """Return what a name stands for; an `InputError` says which names there are."""
        self._ask_installed()
        if name not in self._entries:
            hint = did_you_mean(name, self._entries)
            raise InputError(f"There is no {self.kind} {name!r}{hint}.")
        entry = self._entries[name]
        return self._import(name, entry) if isinstance(entry, _NotYetImported) else entry

    def __contains__(self, name: object) -> bool:
        self._ask_installed()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._ask_installed()
        return iter([*self._entries])

    def __len__(self) -> int:
        self._ask_installed()
        return len(self._entries)

    def remove(self, name: str) -> None:
        """Forget a name."""
        self._entries.pop(name, None)
        self._foreign.discard(name)

    def _adopt(self, entries: Mapping[str, T]) -> None:
        """Register what another process had registered, but for names that are taken."""
        for name, value in entries.items():
            if name not in self:
                self._entries[name] = value
                self._foreign.add(name)

    def _ask_installed(self) -> None:
        """Add the entry points of installed packages, once; names of our own come first."""
        if self._asked_installed:
            return
        self._asked_installed = True
        for point in _entry_points().select(group=f"cifar_sk.{self.kind}s"):
            self._entries.setdefault(point.name, _NotYetImported(point.load))

    def _import(self, name: str, entry: _NotYetImported) -> T:
        try:
            value = entry.load()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"The {self.kind} {name!r} of an installed package cannot be imported: {error}."
            ) from error
        found = self._entries[name]  # a decorator in the module may have registered it
        if isinstance(found, _NotYetImported):
            found = self._entries[name] = self._make(name, value)
        return found


@cache
def _entry_points() -> Any:
    """Read those of all installed packages, once for all registries."""
    from importlib import metadata  # which costs as much as a command's --help

    return metadata.entry_points()


def _is_from_outside(value: Any) -> bool:
    """Tell whether a value, or what a dataclass of ours holds, is of another package's code."""
    parts = (value, *getattr(value, "__dict__", {}).values())
    modules = {getattr(part, "__module__", None) or "builtins" for part in parts}
    packages = {module.partition(".")[0] for module in modules}
    return bool(packages - {__name__.partition(".")[0], "builtins"})


def is_import_path(text: str) -> bool:
    """Say whether a text has the form ``package.module:attribute`` or ``module:attribute``."""
    module, colon, attribute = text.partition(":")
    names = [*module.split("."), *attribute.split(".")]
    return bool(colon) and all(name.isidentifier() for name in names)


@contextmanager
def importing_only(paths: Collection[str]) -> Iterator[None]:
    """Refuse all import paths but these, where words come out of a file."""
    token = _importable.set(frozenset(paths))
    try:
        yield
    finally:
        _importable.reset(token)


def load_object(path: str, kind: str) -> Any:
    """Import the function or class that ``package.module:attribute`` names."""
    found = import_attribute(path, kind)
    if not callable(found):
        raise InputError(
            f"The {kind} {path!r} must be a function or a class; got {type(found).__name__}."
        )
    return found


def import_attribute(path: str, kind: str) -> Any:
    """Import what ``package.module:attribute`` names; modules of the working folder are found."""
    known = _importable.get()
    if known is not None and path not in known:
        raise InputError(
            f"The {kind} {path!r} is named by a file only, and a file never names code that runs; "
            "type the run's own command with --repeats and --resume."
        )
    module_name, _, attribute = path.partition(":")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script, unlike "python -m", has it not
    try:
        found: Any = importlib.import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (Exception, SystemExit) as error:  # whatever a user's own module does
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"The {kind} {path!r} cannot be imported ({reason}).") from error
    return found


@contextmanager
def own_code(kind: str, name: str) -> Iterator[None]:
    """Turn what a user's own code raises into a sentence that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"The {kind} {name!r} failed ({reason}).") from error


def pack_registered() -> bytes | None:
    """Pack what was registered outside of this package, for another process; None for nothing.

    A function of a module is packed as its name, one of a script or a notebook as its code.
    """
    foreign = {
        kind: {name: registry._entries[name] for name in registry._foreign}
        for kind, registry in _ALL.items()
        if registry._foreign and registry.in_workers
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
            if kind in _ALL:
                _ALL[kind]._adopt(entries)
            else:
                _UNPACKED.setdefault(kind, {}).update(entries)
