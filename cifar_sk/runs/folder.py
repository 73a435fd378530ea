"""The run folder: what was run, and its finished folds, each committed by one atomic rename.

A process that is killed leaves whole folds and nothing else; the same command continues at the
first missing one. What must be equal for that is the run's *identity*; everything else in
``run.json`` is for readers.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.runs.files import (
    Additions,
    differences,
    sync,
    without_dots,
    write_atomically,
)
from cifar_sk.runs.fold_files import read_fold, write_fold

__all__ = ["RunFolder", "read_folds", "read_manifest"]

_MANIFEST = "run.json"
_FORMAT = 1
_ASIDE = ".replaced"  # where --overwrite keeps the old run until the new one is there
_DISCARDED = ".discarded.tmp"
_STAGED_MANIFEST = f".{_MANIFEST}.*.tmp"
# What a process that was killed before it wrote its manifest may have left.
_BEFORE_MANIFEST = {".lock", _ASIDE, _DISCARDED}

# All that is ever written into a run's folder; nothing else is moved or removed there.
_TABLES = """
    best_params class_metrics confused_pairs confusion_matrix confusion_matrix_fold_*
    confusion_matrix_normalized confusion_matrix_normalized_fold_* error_by_brightness
    error_by_contrast fold_metrics hardest_classes label_issues mistakes oof_predictions
"""
_FIGURES = """
    class_scores confident_mistakes confused_pairs confusion_matrix confusion_matrix_fold_*
    confusion_matrix_normalized error_by_brightness_and_contrast label_issues learning_curves
    reliability samples
"""
_EXPLANATIONS = "class_maxima correct filter_maxima filters samples wrong"
_STUDY_OF_A_FOLD = "studies/" + "[0-9a-f]" * 12
_WRITTEN = (
    "folds/[0-9][0-9]*",
    "folds/.[0-9][0-9]*.tmp",
    *(f"{name}.csv" for name in _TABLES.split()),
    *(f"figures/{name}.png" for name in _FIGURES.split()),
    *(f"explain/{name}.png" for name in _EXPLANATIONS.split()),
    "explain/explained.csv",
    "classification_report.txt",
    "report.html",
    _STUDY_OF_A_FOLD,
    _MANIFEST,  # the last to be moved or removed: it says that the folder is a run's
)


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
    additions : Additions or None
        What was added for a new run, to be taken back if its first fold finds the input unusable.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        lock: FileLock,
        scores: Callable[[FoldResult], dict[str, float]] | None = None,
        additions: Additions | None = None,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = lock
        self._scores = scores
        self._additions = additions

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
            What to do where there is a run already; without either it is refused. A run that is
            overwritten is kept until the new one is there: it comes back if the new one ends
            without a finished fold.
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
        path = without_dots(path)
        # What JSON would make of it is what a later run compares with.
        manifest = json.loads(
            json.dumps({"format": _FORMAT, "identity": identity, **(info or {})})
        )
        _check_is_run_or_new(path)
        additions = Additions()
        additions.make_folder(path)
        lock = additions.lock(path / ".lock", path)
        try:
            _recover(path)
            is_new = not (path / _MANIFEST).exists()
            if not is_new:
                manifest = _continue_or_replace(path, manifest, resume, overwrite)
            run = cls(path, manifest, lock, scores, additions if is_new else None)
            run.update()
            (path / "folds").mkdir(exist_ok=True)
        except BaseException:
            additions.take_back()
            lock.release()
            raise
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_empty = not _finished(self.path)
        if kind is not None and is_empty and (self.path / _ASIDE / _MANIFEST).exists():
            _remove(self.path)
            _put_back(self.path)
        elif kind is None:
            _discard_aside(self.path)
        elif is_empty and issubclass(kind, InputError) and self._additions is not None:
            _remove(self.path)
            self._additions.take_back()
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
    is_run = _MANIFEST in names or (path / _ASIDE / _MANIFEST).exists()
    if not is_run and names - _BEFORE_MANIFEST:
        raise InputError(f"{path} holds other files than a run's; name another folder.")


def _finished(path: Path) -> list[Path]:
    return sorted((path / "folds").glob("[0-9]*"))


def _continue_or_replace(
    path: Path, manifest: dict[str, Any], resume: bool, overwrite: bool
) -> dict[str, Any]:
    old = read_manifest(path)
    if overwrite:
        _set_aside(path)
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


def _written(path: Path) -> list[Path]:
    """List the files, and the folders of folds and their studies, that a run has written."""
    return [entry for pattern in _WRITTEN for entry in sorted(path.glob(pattern))]


def _remove(path: Path) -> None:
    """Remove what a run has written into a folder, and nothing else."""
    for entry in _written(path):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    _drop_empty_folders(path)


def _drop_empty_folders(path: Path) -> None:
    for name in ("folds", "figures", "explain", "studies"):
        with suppress(OSError):  # it holds what is not the run's, or is not there
            (path / name).rmdir()


def _move(entries: Iterable[Path], source: Path, target: Path) -> None:
    for entry in entries:
        moved = target / entry.relative_to(source)
        moved.parent.mkdir(parents=True, exist_ok=True)
        entry.rename(moved)
    _drop_empty_folders(source)


def _set_aside(path: Path) -> None:
    """Keep the run of a folder aside, unless it has no fold and an older one waits there."""
    if (path / _ASIDE / _MANIFEST).exists():
        if not _finished(path):
            _remove(path)
            return
        _discard_aside(path)
    _move(_written(path), path, path / _ASIDE)


def _put_back(path: Path) -> None:
    """Undo `_set_aside`; the manifest first, for it says that the folder is a run's."""
    aside = path / _ASIDE
    _move(reversed(_written(aside)), aside, path)
    with suppress(OSError):
        aside.rmdir()


def _discard_aside(path: Path) -> None:
    if (path / _ASIDE).exists():
        (path / _ASIDE).rename(path / _DISCARDED)
        shutil.rmtree(path / _DISCARDED)


def _recover(path: Path) -> None:
    """Finish what a killed process has begun: replacing a run, putting one back, writing."""
    shutil.rmtree(path / _DISCARDED, ignore_errors=True)
    aside = path / _ASIDE
    if aside.exists() and (aside / _MANIFEST).exists() != (path / _MANIFEST).exists():
        _put_back(path)
    for name in ("", "folds", "figures", "explain"):
        for staged in (path / name).glob(".*.tmp"):
            if staged.is_file():
                staged.unlink()


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
