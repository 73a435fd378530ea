"""Files and folders that survive what may happen to the process that writes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "csv_bytes",
    "differences",
    "lock_file",
    "lock_folder",
    "make_folder",
    "sync",
    "write_atomically",
    "write_files",
]


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


def write_files(
    folder: Path, contents: Mapping[str, bytes], *, known: Iterable[str] = ()
) -> list[Path]:
    """Replace files of a folder, each at once, and delete those that no longer belong to it.

    Parameters
    ----------
    folder : Path
        Made where it is missing, as are folders in it.
    contents : mapping of str to bytes
        By name within the folder.
    known : iterable of str, default=()
        All names that such a call may write: those that this one does not write are deleted.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If a folder cannot be made.
    """
    files = {folder / name: content for name, content in contents.items()}
    for parent in dict.fromkeys([folder, *(file.parent for file in files)]):
        make_folder(parent)
    for file, content in files.items():
        write_atomically(file, content)
    for name in {*known} - {*contents}:
        (folder / name).unlink(missing_ok=True)
    return list(files)


def csv_bytes(table: pd.DataFrame, *, index: bool = False) -> bytes:
    """Write a table as CSV, the same on every system.

    Parameters
    ----------
    table : DataFrame
        Its floats are written by repr: read back, they are the same floats.
    index : bool, default=False
        Whether the index is the first column.

    Returns
    -------
    bytes
    """
    return table.to_csv(index=index, lineterminator="\n").encode()


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
