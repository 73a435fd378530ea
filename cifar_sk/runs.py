"""The run folder: what was run, and its finished folds, each committed by one atomic rename.

A process that is killed leaves whole folds and nothing else; the same command continues at the
first missing one. What must be equal for that is the run's *identity*; everything else in
``run.json`` is for readers.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from cifar_sk.errors import InputError
from cifar_sk.fold_files import read_fold, write_fold
from cifar_sk.folders import differences, lock_folder, make_folder, sync, write_atomically
from cifar_sk.predictions import FoldResult

__all__ = ["RunFolder", "read_folds", "read_manifest"]

_MANIFEST = "run.json"
_FORMAT = 1
_DISCARDED = ".discarded.tmp"
# What a process that was killed before it wrote its manifest may have left.
_BEFORE_MANIFEST = {".lock", _DISCARDED}
_STAGED_MANIFEST = f".{_MANIFEST}.*.tmp"


class RunFolder:
    """A run on disk, locked for this process.

    Open one with `RunFolder.open`, in a ``with`` statement.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        What ``run.json`` holds: ``identity``, and whatever else readers should know.
    lock : FileLock
        Held.
    scores : callable or None
        ``scores(fold_result)`` gives numbers that are written beside a fold's predictions.
    is_new : bool
        Whether there was no run before. If its first fold finds the input unusable, there is
        none afterwards either.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        lock: FileLock,
        scores: Callable[[FoldResult], dict[str, float]] | None = None,
        is_new: bool = False,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = lock
        self._scores = scores
        self._is_new = is_new

    @classmethod
    def open(
        cls,
        path: str | Path,
        identity: dict[str, Any],
        *,
        info: dict[str, Any] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        scores: Callable[[FoldResult], dict[str, float]] | None = None,
    ) -> Self:
        """Make a run folder, or continue or replace one.

        Parameters
        ----------
        path : str or Path
            The folder.
        identity : dict
            What must be equal for a run to be continued: fingerprints of data and folds,
            parameters, seed. JSON values only.
        info : dict, default=None
            What readers should know besides.
        resume, overwrite : bool, default=False
            What to do where there is a run already; without either it is refused.
        scores : callable, default=None
            As for the class.

        Returns
        -------
        RunFolder

        Raises
        ------
        InputError
            If there is a run already, if it is another one, if another process writes it, or
            if the folder holds something else.
        """
        if resume and overwrite:
            raise InputError("A run is either resumed or overwritten; give one of the two.")
        path = Path(path)
        # What JSON would make of it is what a later run compares with.
        manifest = json.loads(
            json.dumps({"format": _FORMAT, "identity": identity, **(info or {})})
        )
        _check_is_run_or_new(path)
        make_folder(path)
        lock = lock_folder(path)
        try:
            for staged in path.rglob(".*.tmp"):  # what a killed process left half written
                if staged.is_file():
                    staged.unlink()
            is_new = not (path / _MANIFEST).exists()
            if not is_new:
                manifest = _continue_or_replace(path, manifest, resume, overwrite)
            run = cls(path, manifest, lock, scores, is_new)
            run.update()
            (path / "folds").mkdir(exist_ok=True)
        except BaseException:
            lock.release()
            raise
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_unusable = kind is not None and issubclass(kind, InputError)
        if is_unusable and self._is_new and not _finished(self.path):
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def update(self, **info: Any) -> None:
        """Change what ``run.json`` tells readers, and write it.

        Parameters
        ----------
        **info
            Entries by name; JSON values.
        """
        self.manifest.update(info)
        text = json.dumps(self.manifest, indent=1) + "\n"
        write_atomically(self.path / _MANIFEST, text.encode())

    def completed(self) -> dict[int, FoldResult]:
        """Read the finished folds.

        Returns
        -------
        dict of int to FoldResult
            By index.
        """
        return read_folds(self.path)

    def staging(self, index: int) -> Path:
        """Make the empty folder that `commit` renames to the fold's own.

        Parameters
        ----------
        index : int
            Which fold.

        Returns
        -------
        Path
        """
        path = self.path / "folds" / f".{index:02d}.tmp"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def commit(self, result: FoldResult) -> None:
        """Keep a finished fold for good.

        Parameters
        ----------
        result : FoldResult
            With predictions.
        """
        staged = self.path / "folds" / f".{result.index:02d}.tmp"
        staged.mkdir(exist_ok=True)
        write_fold(result, staged, self._scores(result) if self._scores else {})
        for file in staged.iterdir():
            sync(file)
        sync(staged)
        staged.rename(self.path / "folds" / f"{result.index:02d}")
        sync(self.path / "folds")


def _check_is_run_or_new(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; name another folder for the run.")
    names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    names = {name for name in names if not fnmatch.fnmatch(name, _STAGED_MANIFEST)}
    if _MANIFEST not in names and names - _BEFORE_MANIFEST:
        raise InputError(f"{path} holds other files than a run's; name another folder.")


def _finished(path: Path) -> list[Path]:
    return sorted((path / "folds").glob("[0-9]*"))


def _continue_or_replace(
    path: Path, manifest: dict[str, Any], resume: bool, overwrite: bool
) -> dict[str, Any]:
    old = read_manifest(path)
    if overwrite:
        _empty(path)
        return manifest
    if not resume:
        raise InputError(
            f"{path} holds a run with {len(_finished(path))} finished folds; continue it with "
            f"--resume, replace it with --overwrite, or name another with --run."
        )
    changed = differences(old.get("identity"), manifest["identity"])
    if changed:
        raise InputError(
            f"{path} cannot be resumed as another run: {'; '.join(changed)}; "
            f"name another with --run, or replace it with --overwrite."
        )
    return {**manifest, "created": old.get("created")}


def _empty(path: Path) -> None:
    """Delete all but the lock, so that a crash leaves the run or nothing of its folds."""
    shutil.rmtree(path / _DISCARDED, ignore_errors=True)
    if (path / "folds").exists():
        (path / "folds").rename(path / _DISCARDED)
    # The manifest last: it says that the folder is a run's.
    for entry in sorted(path.iterdir(), key=lambda entry: entry.name == _MANIFEST):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != ".lock":
            entry.unlink()


def read_folds(path: str | Path) -> dict[int, FoldResult]:
    """Read a run's finished folds.

    Parameters
    ----------
    path : str or Path
        The run folder.

    Returns
    -------
    dict of int to FoldResult
        By index.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    return {int(folder.name): read_fold(folder) for folder in _finished(Path(path))}


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Read a run's ``run.json``.

    Parameters
    ----------
    path : str or Path
        The run folder.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If there is none, or it is no JSON object.
    """
    file = Path(path) / _MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as a run's manifest: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise InputError(f"{file} is no run manifest of format {_FORMAT}.")
    return manifest
