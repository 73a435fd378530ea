"""Storages of studies: SQLite for a process, a journal for several, PostgreSQL for machines."""
# For a file it is the command's lock that proves a trial lost with its process; for a server it
# is the missing heartbeat.

from __future__ import annotations

import sqlite3
import time
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_sk.errors import InputError
from cifar_sk.tuning.journal_lock import JournalLock
from cifar_sk.tuning.lost_trials import retry

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from optuna.storages.journal import JournalStorage
    from sqlalchemy.engine import URL

__all__ = ["StorageSpec", "choose_storage", "close_storage", "shown_url"]

_SQLITE = "study.db"
_JOURNAL = "journal.log"
_SERVER = "postgresql+psycopg"
_FORMS = "sqlite:///FILE, journal:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
_LOCK_WAIT_SECONDS = 60  # a dashboard, or a slow disk, may hold SQLite's lock for a while
_CONNECT_SECONDS = 10
_BEGINNINGS = {"sqlite": b"SQLite format 3\0", "journal": b'{"'}
_OPEN_ATTEMPTS = 5
_OPEN_PAUSE_SECONDS = 0.3


@dataclass(frozen=True, repr=False)
class StorageSpec:
    """A storage that can be opened in any process; `shown` hides the password of `url`."""

    url: str
    heartbeat_interval: int = 10
    grace_period: int = 30

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown!r})"

    @property
    def shown(self) -> str:
        """The URL for people and files: without the password."""
        return shown_url(self.url)

    @property
    def kind(self) -> str:
        """One of sqlite, journal and server."""
        scheme = self.url.partition(":")[0]
        return scheme if scheme in {"sqlite", "journal"} else "server"

    @property
    def is_server(self) -> bool:
        """Say whether several commands may work on it at once, told by heartbeats who lives."""
        return self.kind == "server"

    @property
    def path(self) -> Path | None:
        """The file, or None for a server."""
        return None if self.is_server else Path(_parsed(self.url).database or "")

    def locks(self, folder: Path) -> list[tuple[Path, Path]]:
        """List what a command locks while it works on a file, each with what it guards."""
        # Whoever holds these, and has no worker processes, knows that all running trials are of
        # processes that died. A server needs none.
        if self.path is None:
            return []
        own = self.path.with_name(f".{self.path.name}.command")
        return [(folder / ".lock", folder), (own, self.path)]

    @property
    def files(self) -> list[Path]:
        """The files that using the storage makes, beside the locks; none for a server."""
        if self.path is None:
            return []
        return [self.path, *([JournalLock.file_of(self.path)] if self.kind == "journal" else [])]

    @property
    def for_dashboard(self) -> str:
        """The argument of ``optuna-dashboard``; for a server, the password is to be filled in."""
        return str(self.path) if self.kind == "journal" else self.shown

    def open(self) -> BaseStorage:
        """Open the storage, made where there is none; an InputError says why it cannot be."""
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._check_file(self.path)
            return self._open_database() if self.kind != "journal" else self._open_journal()
        except ImportError as error:
            raise InputError(
                f"{self.shown} needs the driver psycopg; pip install 'psycopg[binary]'."
            ) from error
        except Exception as error:  # what is no journal fails in whatever way its lines happen to
            check = "check that it runs and has this database"
            remedy = check if self.is_server else "name another"
            raise InputError(
                f"--storage {self.shown} cannot be opened ({_reason(error)}); {remedy}."
            ) from error

    def _check_file(self, path: Path) -> None:
        """Refuse a file that is another kind of file, or damaged; a missing one is made later."""
        if not path.exists():
            return
        if not path.is_file():
            raise ValueError("it is no file")
        with path.open("rb") as file:
            head = file.read(len(_BEGINNINGS[self.kind]))
        if not head:
            return
        if head != _BEGINNINGS[self.kind]:
            raise ValueError(f"it is no {self.kind} file")
        if self.kind == "sqlite":
            with closing(sqlite3.connect(path, timeout=_LOCK_WAIT_SECONDS)) as database:
                found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise ValueError(f"it is damaged: {found}")

    def _open_journal(self) -> JournalStorage:
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        # A lock is anything with acquire and release; Optuna exports no base class for it.
        lock: Any = JournalLock(Path(str(self.path)))
        return JournalStorage(JournalFileBackend(str(self.path), lock_obj=lock))

    def _open_database(self) -> RDBStorage:
        from sqlalchemy.exc import IntegrityError, ProgrammingError

        for _ in range(_OPEN_ATTEMPTS - 1):
            # Of two commands that find an empty database, one is late to make the tables.
            try:
                return self._database()
            except (IntegrityError, ProgrammingError):
                time.sleep(_OPEN_PAUSE_SECONDS)
        return self._database()

    def _database(self) -> RDBStorage:
        from optuna.exceptions import ExperimentalWarning
        from optuna.storages import RDBStorage

        if not self.is_server:
            connect = {"timeout": _LOCK_WAIT_SECONDS}
            return RDBStorage(self.url, engine_kwargs={"connect_args": connect})
        is_set = "connect_timeout" in _parsed(self.url).query
        connect = {} if is_set else {"connect_timeout": _CONNECT_SECONDS}
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            return RDBStorage(
                self.url,
                # A server that was restarted, or closed an idle connection, is asked again.
                engine_kwargs={"pool_pre_ping": True, "connect_args": connect},
                heartbeat_interval=self.heartbeat_interval,
                grace_period=self.grace_period,
                heartbeat_stale_trial_callback=retry,
            )


def choose_storage(url: str | None, folder: str | Path, *, n_workers: int = 1) -> StorageSpec:
    """Find a study's storage, by a URL or else in its folder, without opening it."""
    # sqlite:///FILE serves one process, journal:///FILE several of one machine, PostgreSQL any
    # number. Three slashes begin a relative path, four an absolute one.
    spec = _in_folder(Path(folder), n_workers) if url is None else _explicit(url)
    if spec.kind == "sqlite" and n_workers > 1:
        raise InputError(
            f"{spec.path} is an SQLite file, which one process can use and not {n_workers}; "
            f"give --workers 1, a PostgreSQL URL as --storage, or another --study."
        )
    return spec


def _in_folder(folder: Path, n_workers: int) -> StorageSpec:
    is_new = not (folder / _SQLITE).exists()
    if (folder / _JOURNAL).exists() or (n_workers > 1 and is_new):
        return _of_file("journal", folder / _JOURNAL)
    return _of_file("sqlite", folder / _SQLITE)


def _of_file(scheme: str, path: str | Path) -> StorageSpec:
    from sqlalchemy.engine import URL

    # Absolute, for worker processes may have another working directory.
    return StorageSpec(str(URL.create(scheme, database=str(Path(path).absolute()))))


def _explicit(url: str) -> StorageSpec:
    parsed = _parsed(url)
    # The names that hosts hand out; Optuna would ask for a driver of their own choice.
    if parsed.drivername in {"postgres", "postgresql", _SERVER}:
        server = parsed.set(drivername=_SERVER)
        return StorageSpec(server.render_as_string(hide_password=False))
    if parsed.drivername not in {"sqlite", "journal"}:
        raise InputError(f"--storage must be {_FORMS}, got the scheme {parsed.drivername!r}.")
    if parsed.host or parsed.query or parsed.database in {None, "", ":memory:"}:
        raise InputError(f"--storage must name a file as in {parsed.drivername}:///FILE.")
    return _of_file(parsed.drivername, str(parsed.database))


def _parsed(url: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # which may quote the password, as this must not
        raise InputError(f"--storage must be {_FORMS}; what was given is no URL.") from None
    if "@" in (parsed.host or ""):
        raise InputError("--storage holds an @ in its user or password; write that one as %40.")
    return parsed


def shown_url(url: str) -> str:
    """Hide the password of a storage's URL, which then may be printed and written to files.

    >>> shown_url("postgresql+psycopg://ann:secret@db.example.org/studies")
    'postgresql+psycopg://ann:***@db.example.org/studies'
    """
    parsed = _parsed(url)
    secrets = {name: "***" for name in parsed.query if "password" in name.lower()}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True)


def close_storage(storage: BaseStorage) -> None:
    """Let go of a storage's connections."""
    from optuna.storages import RDBStorage

    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def _reason(error: BaseException) -> str:
    """Say in half a line what a driver says in several."""
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    elif isinstance(error, OSError) and error.strerror:
        return error.strerror
    first, *_ = str(error).splitlines() or [type(error).__name__]
    return " ".join(first.split()).rstrip(".")
