"""Files and folders that survive what may happen to the process that writes them."""

from __future__ import annotations

import csv
import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Additions",
    "csv_bytes",
    "differences",
    "lock_file",
    "lock_folder",
    "make_folder",
    "place",
    "sync",
    "unquoted",
    "without_dots",
    "write_atomically",
    "write_files",
]

# How texts begin that spreadsheets take for formulas (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_MAX_NAME = 255  # bytes that file systems take for one name
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM}


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file at once, so that no reader and no crash sees half of it."""
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
    """Name what differs between two nested mappings of JSON values, a clause for each leaf.

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
    """Replace files of a folder, each at once, and return them.

    Of the `known` names, which any such call may write, those that this one does not are deleted.
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
    """Write a table as CSV, the same on every system; floats by repr, to be read back the same.

    Texts that a spreadsheet would run as formulas begin with an apostrophe; see `unquoted`.
    """
    shown = table.copy(deep=False)
    for place in range(shown.shape[1]):
        cells = shown.iloc[:, place]
        if cells.dtype.kind == "O" and any(_is_formula(cell) for cell in cells.unique()):
            shown.isetitem(place, [*map(_quoted, cells)])
    shown.columns = shown.columns.map(_quoted)
    shown.index = shown.index.map(_quoted)
    text = shown.to_csv(index=index, lineterminator="\n")
    if "\r" in text:  # which Python before 3.13 leaves without quotation marks
        text = shown.to_csv(index=index, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode()


def _is_formula(cell: Any) -> bool:
    """Tell whether a text begins as a formula does, maybe after apostrophes; no number does."""
    if not isinstance(cell, str) or not cell.lstrip("'").startswith(_FORMULA):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if _is_formula(cell) else cell


def unquoted(cell: str) -> str:
    """Return a text as it was before `csv_bytes` wrote it into a table.

    >>> unquoted("'=cat"), unquoted("'cat"), unquoted("-1")
    ('=cat', "'cat", '-1')
    """
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def make_folder(path: Path) -> list[Path]:
    """Make a folder; return those of it and its parents that were not there before."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _OF_THE_MACHINE:
            raise
        raise InputError(
            f"{path} cannot be made ({error.strerror}); name another folder."
        ) from error
    return missing[::-1]


def without_dots(path: str | Path) -> Path:
    """Return the same path without ``..``, so that what is checked is what is written.

    ``new/..`` is another folder before ``new`` is made than a reader takes it for.
    """
    path = Path(path)
    return path.resolve() if ".." in path.parts else path


def place(name: str, folder: Path, option: str) -> Path:
    """Return the folder of a run or a study, named by a name or a path that ends in one.

    Examples
    --------
    >>> place("mine", Path("results"), "--run").as_posix()
    'results/mine'
    >>> place("elsewhere/mine", Path("results"), "--run").as_posix()
    'elsewhere/mine'
    """
    parent, _, own = name.rstrip(os.sep).rpartition(os.sep)
    if own in {"", ".", ".."}:
        raise InputError(
            f"{option} must be a name such as {option.strip('-')}1, or a path that ends in a "
            f"name, got {name!r}."
        )
    if any(len(os.fsencode(part)) > _MAX_NAME for part in Path(name).parts):
        raise InputError(f"{option} must hold names of at most {_MAX_NAME} bytes, got {name!r}.")
    return without_dots(Path(parent or os.sep, own) if os.sep in name else folder / own)


class Additions:
    """The files and folders that a process has added, so that it can take back just those."""

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._files: list[Path] = []

    def make_folder(self, path: Path) -> None:
        """Make a folder, and remember which of it and its parents are new."""
        self._folders += make_folder(path)

    def lock(self, file: Path, subject: Path) -> FileLock:
        """Take a lock as `lock_file` does; its file counts as added if it is new, and ours."""
        is_new = not os.path.lexists(file)
        lock = lock_file(file, subject)
        self._files += [file] * is_new
        return lock

    def expect(self, *files: Path) -> None:
        """Remember those of some files that are not there yet, once nobody else may write them."""
        self._files += [file for file in files if not os.path.lexists(file)]

    def take_back(self) -> None:
        """Remove what was added: each file by its name, and each new folder if it is empty."""
        for file in self._files:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            with suppress(OSError):
                folder.rmdir()


def lock_folder(path: Path) -> FileLock:
    """Keep other processes from writing a folder; the kernel gives the lock back at death."""
    return lock_file(path / ".lock", path)


def lock_file(path: Path, subject: Path | None = None) -> FileLock:
    """Take a lock at once, or refuse with a sentence about its `subject`."""
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
    """Have a file or folder on disk before what comes next."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
