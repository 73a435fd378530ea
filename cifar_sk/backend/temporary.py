"""The temporary folder of a process and its workers: gone with them, however they end."""
# The owner holds a lock in the folder, which the kernel releases at its death. Then its workers
# end and remove the folder; where there are none, the next process that needs one does.

from __future__ import annotations

import atexit
import os
import pickle
import re
import shutil
import signal
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

__all__ = ["begin_worker", "own_folder", "run_worker", "sweep"]

_PREFIX = "cifar_sk-"
_NAME = re.compile(rf"\.?{_PREFIX}(\d+)-\w{{8}}")  # with the owner's number
_POLL_SECONDS = 0.1
_LOCK = ".lock"
_UNLOCKED_SECONDS = 60  # a folder is made and locked within far less
# What joblib names by the process that made it, and its own tracker removes unless that is
# killed as well.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
_OF_JOBLIB = ("sem.loky-{}-*", "joblib_memmapping_folder_{}_*")
_folders: dict[int, Path] = {}  # of this process, by its number, which a fork changes
_locks: list[FileLock] = []


def own_folder() -> Path:
    """Return the folder for temporary files of this process, which is removed when it ends."""
    pid = os.getpid()
    if pid not in _folders:
        sweep()
        # It is locked before it has the name that others sweep.
        made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}{pid}-"))
        lock = FileLock(made / _LOCK)
        lock.acquire()
        _locks.append(lock)
        _folders[pid] = made.rename(made.with_name(made.name[1:]))
        atexit.register(_remove, pid)
    return _folders[pid]


def _remove(pid: int) -> None:
    if pid == os.getpid():
        shutil.rmtree(_folders[pid], ignore_errors=True)


def sweep() -> None:
    """Remove what processes that were killed have left, if it is ours and nobody's any more."""
    for folder in Path(tempfile.gettempdir()).iterdir():
        name = _NAME.fullmatch(folder.name)
        with suppress(OSError):  # such as filelock's Timeout
            if name and _is_removable(folder):
                with FileLock(folder / _LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                _sweep_shared_memory(int(name[1]))


def _is_removable(folder: Path) -> bool:
    """Say whether a folder is one of this user's, and not one that is being made right now."""
    status = folder.lstat()
    is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    is_made = (folder / _LOCK).exists() and not folder.name.startswith(".")
    is_old = time.time() - status.st_mtime > _UNLOCKED_SECONDS
    return stat.S_ISDIR(status.st_mode) and is_ours and (is_made or is_old)


def _sweep_shared_memory(pid: int) -> None:
    if not _SHARED_MEMORY.is_dir() or _is_alive(pid):
        return
    for pattern in _OF_JOBLIB:
        for entry in _SHARED_MEMORY.glob(pattern.format(pid)):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def run_worker(parent: int, folder: Path, packed: bytes) -> None:
    """Run a pickled (function, arguments) in a process that was started for it."""
    # What is pickled takes seconds to import, and the parent may die in them.
    begin_worker(parent, folder)
    work: tuple[Callable[..., Any], tuple[Any, ...]] = pickle.loads(packed)  # noqa: S301  (ours)
    function, arguments = work
    function(*arguments)


def begin_worker(parent: int, folder: Path) -> None:
    """Leave Ctrl-C to the parent, share its folder, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _folders[os.getpid()] = folder
    threading.Thread(target=_end_with, args=(parent, folder), daemon=True).start()


def _end_with(parent: int, folder: Path) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
