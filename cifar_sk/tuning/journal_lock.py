"""The lock of a journal's writers, which a killed one neither keeps nor damages the journal by."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

__all__ = ["JournalLock"]


class JournalLock:
    """A lock with the interface that Optuna's file backend asks for."""

    # The kernel releases it with a process that is killed, where Optuna's own would hold up the
    # others for half a minute. Whoever takes it also removes what a killed writer left of a line:
    # the next line would be appended to it, and nobody could read the journal again.
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(self.file_of(path), poll_interval=0.005)

    @staticmethod
    def file_of(path: Path) -> Path:
        """Return the lock's own file."""
        # Not the name of Optuna's own lock, which others break if it is held for long.
        return path.with_name(f".{path.name}.writer")

    def acquire(self) -> bool:
        """Wait for the lock, then make the journal end with a whole line."""
        self._lock.acquire()
        try:
            _drop_partial_line(self._path)
        except BaseException:
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        """Let the next writer go."""
        self._lock.release()


def _drop_partial_line(path: Path) -> None:
    with path.open("rb+") as file:
        if not file.seek(0, os.SEEK_END):
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
