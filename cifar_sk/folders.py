"""Files and folders that survive what may happen to the process that writes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cifar_sk.errors import InputError

__all__ = ["differences", "lock_file", "lock_folder", "make_folder", "sync", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file at once, so that no reader and no crash sees half of it.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        All of it.
    """
    # Several processes may export one study at a time.
    staged = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with staged.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Name what differs between two nested mappings.

    Parameters
    ----------
    old, new : dict, or anything inside one
        As JSON gives them.
    name : str
        Where they stand.

    Returns
    -------
    list of str
        One clause for each leaf that differs.

    Examples
    --------
    >>> differences({"seed": 0, "data": {"n": 5}}, {"seed": 0, "data": {"n": 6}})
    ['data.n was 5 and is 6']
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            clause
            for key in sorted({*old, *new})
            for clause in differences(old.get(key), new.get(key), f"{name}.{key}".strip("."))
        ]
    return [] if old == new else [f"{name} was {old!r} and is {new!r}"]


def make_folder(path: Path) -> None:
    """Make a folder, with its parents.

    Parameters
    ----------
    path : Path
        May be there already.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(
            f"{path} cannot be made ({error.strerror}); name another folder."
        ) from error


def lock_folder(path: Path) -> FileLock:
    """Keep other processes from writing a folder.

    Parameters
    ----------
    path : Path
        An existing folder.

    Returns
    -------
    FileLock
        Held. The kernel gives it back when this process dies, however it dies.

    Raises
    ------
    InputError
        If another process holds it.
    """
    return lock_file(path / ".lock", path)


def lock_file(path: Path, subject: Path | None = None) -> FileLock:
    """Take a lock at once, or refuse.

    Parameters
    ----------
    path : Path
        The lock's own file.
    subject : Path, default=None
        What it guards, for the message.

    Returns
    -------
    FileLock
        Held. The kernel gives it back when this process dies, however it dies.

    Raises
    ------
    InputError
        If another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"Another process is writing {subject or path}; wait for it, or give another name."
        ) from error
    return lock


def sync(path: Path) -> None:
    """Have a file or folder on disk before what comes next.

    Parameters
    ----------
    path : Path
        Exists.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
