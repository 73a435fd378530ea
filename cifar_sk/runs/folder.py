"""The run folder: what was run, and its finished folds, each committed by one atomic rename.

A process that is killed leaves whole folds and nothing else; the same command continues at the
first missing one. What must be equal for that is the run's *identity*; everything else in
``run.json`` is for readers.
"""

from __future__ import annotations

import fnmatch
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from filelock import FileLock

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.scores import score_predictions
from cifar_sk.runs.files import (
    Additions,
    differences,
    sync,
    without_dots,
    write_atomically,
)
from cifar_sk.runs.fold_files import read_fold, write_fold
from cifar_sk.runs.manifest import SCHEMA, DataRecord, Manifest, as_json, read_json
from cifar_sk.runs.own_files import (
    ASIDE,
    BEFORE_MANIFEST,
    MANIFEST,
    STAGED_MANIFEST,
    TARGET,
    TEST_TARGET,
    discard_aside,
    finished,
    put_back,
    recover,
    remove,
    set_aside,
)
from cifar_sk.runs.provenance import provenance

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.folds.evaluation import Evaluation

__all__ = ["RunFolder", "read_folds", "read_manifest"]


class RunFolder:
    """A run on disk, locked for this process.

    Make one with `RunFolder.open`, in a ``with`` statement, and hand it to `cross_validate_oof`
    as ``store``. Or give that a path, which it opens itself.

    Attributes
    ----------
    path : Path
        The folder.
    manifest : Manifest or None
        What ``run.json`` says; None until an evaluation begins.
    """

    def __init__(
        self,
        path: Path,
        lock: FileLock,
        *,
        own: Mapping[str, Any],
        about: Mapping[str, Any],
        data: DataRecord | None,
        additions: Additions | None,
    ) -> None:
        self.path = path
        self.manifest: Manifest | None = None
        self._lock = lock
        self._own = dict(own)
        self._about = dict(about)
        self._data = data
        self._additions = additions
        self._target: np.ndarray | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        identity: Mapping[str, Any] | None = None,
        *,
        data: DataRecord | Bunch | None = None,
        info: Mapping[str, Any] | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> Self:
        """Make a run folder, or continue or replace one.

        Parameters
        ----------
        path : str or Path
            The folder.
        identity : mapping, default=None
            What must be equal for the run to be continued, beside what the fold loop tells: data,
            folds, parameters and seed. JSON values only.
        data : Bunch or DataRecord, default=None
            The data set as it was loaded, for its name and source.
        info : mapping, default=None
            What readers should know besides: ``title``, ``command``, ``selected``.
        resume, overwrite : bool, default=False
            What to do where there is a run already; without either it is refused. A run that is
            overwritten is kept until the new one is there: it comes back if the new one ends
            without a finished fold.

        Returns
        -------
        RunFolder

        Raises
        ------
        InputError
            If there is a run already, if another process writes it, or if the folder holds
            something else.
        """
        if resume and overwrite:
            raise InputError("A run is either resumed or overwritten; give one of the two.")
        if data is not None and not isinstance(data, DataRecord):
            data = DataRecord.of_bunch(data)
        own = _own_identity(identity)
        path = without_dots(path)
        _check_is_run_or_new(path)
        additions = Additions()
        additions.make_folder(path)
        lock = additions.lock(path / ".lock", path)
        try:
            recover(path)
            is_new = not (path / MANIFEST).exists()
            if not is_new:
                _allow(path, own, resume, overwrite)
            run = cls(
                path,
                lock,
                own=own,
                about=info or {},
                data=data,
                additions=additions if is_new else None,
            )
            if not (path / MANIFEST).exists():
                run._write({"schema": SCHEMA, "identity": {"own": dict(run._own)}})
            (path / "folds").mkdir(exist_ok=True)
        except BaseException:
            additions.take_back()
            lock.release()
            raise
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_empty = not finished(self.path)
        if kind is not None and is_empty and (self.path / ASIDE / MANIFEST).exists():
            remove(self.path)
            put_back(self.path)
        elif kind is None:
            discard_aside(self.path)
        elif is_empty and issubclass(kind, InputError) and self._additions is not None:
            remove(self.path)
            self._additions.take_back()
        elif issubclass(kind, KeyboardInterrupt) and self._is_running():
            self.update(status="interrupted")
        self._lock.release()

    def _is_running(self) -> bool:
        return self.manifest is not None and self.manifest.status == "running"

    def begin(self, evaluation: Evaluation) -> None:
        """Write what is evaluated, and the labels, or check that it is what was begun.

        Raises
        ------
        InputError
            If the folder holds finished folds of something else; it says what differs.
        """
        manifest = Manifest.of(
            evaluation, data=self._data, own=self._own, about=provenance() | self._about
        )
        old = read_json(self.path / MANIFEST)
        if finished(self.path) and "data" in old["identity"]:
            _check_is_same(self.path, old["identity"], manifest.identity())
        if old.get("created"):
            manifest = replace(manifest, created=old["created"])
        classes = np.unique(evaluation.y)
        self._target = np.searchsorted(classes, evaluation.y)
        _write_array(self.path / TARGET, self._target)
        if evaluation.holdout is not None:
            test_target = np.searchsorted(classes, evaluation.holdout[1])
            _write_array(self.path / TEST_TARGET, test_target)
        else:  # of another evaluation that was begun here and finished no fold
            (self.path / TEST_TARGET).unlink(missing_ok=True)
        for staged in (self.path / "folds").glob(".[0-9]*.tmp"):
            shutil.rmtree(staged)
        self.manifest = manifest
        self.update()

    def end(self, result: OOFResult) -> None:
        """Write how the run ended."""
        failed = {str(fold.index): fold.error for fold in result.failed}
        is_whole = len(result.folds) == result.n_expected
        self.update(
            status="interrupted" if not is_whole else "failed folds" if failed else "complete",
            failed=failed,
            timings={
                "fit_time": sum(fold.fit_time for fold in result.scored),
                "score_time": sum(fold.score_time for fold in result.scored),
            },
        )

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest, and write it."""
        if self.manifest is None:
            raise InputError("A run has no manifest before an evaluation begins.")
        self.manifest = replace(self.manifest, **changes)
        self._write(self.manifest.to_json())

    def _write(self, content: Mapping[str, Any]) -> None:
        write_atomically(self.path / MANIFEST, (json.dumps(content, indent=1) + "\n").encode())

    def completed(self) -> dict[int, FoldResult]:
        """Read the finished folds by index."""
        return read_folds(self.path)

    def staging(self, index: int) -> Path:
        """Make the empty folder that `commit` renames to the fold's own."""
        path = self.path / "folds" / f".{index:02d}.tmp"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def commit(self, result: FoldResult) -> None:
        """Keep a finished fold for good."""
        staged = self.path / "folds" / f".{result.index:02d}.tmp"
        staged.mkdir(exist_ok=True)
        write_fold(result, staged, self._scores(result))
        for file in staged.iterdir():
            sync(file)
        sync(staged)
        staged.rename(self.path / "folds" / f"{result.index:02d}")
        sync(self.path / "folds")

    def _scores(self, result: FoldResult) -> dict[str, float]:
        if self._target is None or result.proba is None:
            return {}
        return score_predictions(self._target[result.test_index], result.proba)


def _write_array(file: Path, values: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    write_atomically(file, buffer.getvalue())


def _check_is_run_or_new(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; name another folder for the run.")
    names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    names = {name for name in names if not fnmatch.fnmatch(name, STAGED_MANIFEST)}
    is_run = MANIFEST in names or (path / ASIDE / MANIFEST).exists()
    if not is_run and names - BEFORE_MANIFEST:
        raise InputError(f"{path} holds other files than a run's; name another folder.")


def _own_identity(identity: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return as_json(dict(identity or {}))
    except (TypeError, ValueError) as error:
        raise InputError(f"identity must hold JSON values only: {error}.") from error


def _allow(path: Path, identity: Mapping[str, Any], resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds a run, continue it, or set the run aside."""
    old = read_json(path / MANIFEST)
    if overwrite:
        set_aside(path)
    elif not resume:
        raise InputError(
            f"{path} holds a run with {len(finished(path))} finished folds; continue it with "
            f"--resume, replace it with --overwrite, or name another with --run."
        )
    elif identity:
        # Older versions wrote what was a program's own beside the rest.
        said = old["identity"].get("own") or {n: old["identity"].get(n) for n in identity}
        _check_is_same(path, said, identity)


def _check_is_same(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    changed = differences(old, new)
    if changed:
        raise InputError(
            f"{path} cannot be resumed as another run: {'; '.join(changed)}; "
            f"name another with --run, or replace it with --overwrite."
        )


def read_folds(path: str | Path) -> dict[int, FoldResult]:
    """Read a run's finished folds by index."""
    return {int(folder.name): read_fold(folder) for folder in finished(Path(path))}


def read_manifest(path: str | Path) -> Manifest:
    """Read a run's ``run.json``.

    Parameters
    ----------
    path : str or Path
        The run folder.

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        If there is none, or it does not say what a run is.
    """
    file = Path(path) / MANIFEST
    raw = read_json(file)
    if isinstance(raw.get("identity"), dict) and "split" not in raw["identity"]:
        raise InputError(f"The run of {path} has not begun; continue it with --resume.")
    try:
        return Manifest.from_json(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{file} does not say what was run ({error!r}); make runs by "
            "cross_validate_oof(..., store=path)."
        ) from error
