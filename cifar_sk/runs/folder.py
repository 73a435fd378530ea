"""The run folder: what was run, and its finished folds, each committed by one atomic rename.

A process that is killed leaves whole folds and nothing else; the same command continues at the
first missing one. What must be equal for that is the run's *identity*; everything else in
``run.json`` is for readers.
"""

from __future__ import annotations

import fnmatch
import io
import math
import shutil
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from filelock import FileLock

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.scores import score_predictions
from cifar_sk.runs.checksums import REMEDY, content_sum, digest, fold_damage, write_sums
from cifar_sk.runs.continuing import check_is_same, continued
from cifar_sk.runs.files import (
    Additions,
    sync,
    without_dots,
    write_files,
)
from cifar_sk.runs.fold_files import read_fold, write_fold
from cifar_sk.runs.manifest import DataRecord, Manifest, as_json
from cifar_sk.runs.manifest_file import SCHEMA, read_manifest_file, write_manifest_file
from cifar_sk.runs.own_files import (
    ASIDE,
    BEFORE_MANIFEST,
    GROUPS,
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
    set_fold_aside,
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
        self._before: dict[str, Any] | None = None  # run.json, until a fold is committed

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
                begun = {"schema": SCHEMA, "identity": {"own": dict(run._own)}}
                write_manifest_file(path / MANIFEST, begun)
            (path / "folds").mkdir(exist_ok=True)
        except BaseException:
            additions.take_back()
            lock.release()
            raise
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None:
                self._leave(kind)
            else:
                discard_aside(self.path)
        finally:
            self._lock.release()

    def _leave(self, kind: type[BaseException]) -> None:
        """Put back what was there before, or keep what was finished."""
        is_empty = not finished(self.path)
        if is_empty and (self.path / ASIDE / MANIFEST).exists():
            remove(self.path)
            put_back(self.path)
        elif is_empty and issubclass(kind, InputError) and self._additions is not None:
            remove(self.path)
            self._additions.take_back()
        else:
            with suppress(OSError):  # the disk may be what ends the run
                self._note_end()

    def _note_end(self) -> None:
        if self._before is not None:
            write_manifest_file(self.path / MANIFEST, self._before | self._stopped(self._before))
        elif self.manifest is not None and self.manifest.status == "running":
            self.update(status="interrupted")

    def _stopped(self, before: Mapping[str, Any]) -> dict[str, str]:
        """Return what else ``run.json`` must say where this process has added no fold."""
        split, status = before["identity"]["split"], before.get("status")
        counts = (split.get(name, 1) for name in ("n_folds", "n_repeats", "n_seeds"))
        is_whole = len(finished(self.path)) >= math.prod(counts)
        is_stale = status == "running" or (status == "complete" and not is_whole)
        return {"status": "interrupted"} if is_stale else {}

    def begin(self, evaluation: Evaluation) -> None:
        """Write what is evaluated, labels and groups, or check that it is what was begun.

        Finished folds that are damaged are set aside with a warning, to be fitted again. The
        evaluation may have more repeats or seeds than the folder, which then keeps its folds.

        Raises
        ------
        InputError
            If the folder holds finished folds of something else; it says what differs.
        """
        manifest = Manifest.of(
            evaluation, data=self._data, own=self._own, about=provenance() | self._about
        )
        labels = self._labels(evaluation)
        manifest = replace(manifest, files={n: content_sum(c) for n, c in labels.items()})
        old, said = read_manifest_file(self.path / MANIFEST)
        if finished(self.path) and said.identity.split is not None:
            manifest = continued(self.path, old, said, manifest, evaluation.splits)
            self._before = old
            self._set_damaged_aside(Manifest.of_file(said).digests, manifest)
        if said.created:
            manifest = replace(manifest, created=said.created)
        for staged in (self.path / "folds").glob(".[0-9]*.tmp"):
            shutil.rmtree(staged)
        write_files(self.path, labels, known={TEST_TARGET, GROUPS})
        self.manifest = manifest
        self.update()

    def _set_damaged_aside(self, runs: Collection[str] | None, manifest: Manifest) -> None:
        """Set damaged folds aside, and list the files of folds that older versions wrote."""
        for folder in finished(self.path):
            try:
                _read_whole(folder, runs)
            except InputError as error:
                aside = set_fold_aside(folder)
                damage = str(error).removesuffix(f"; {REMEDY}.")
                again = f"the fold is fitted again, and what was there is {aside.name} now"
                warnings.warn(f"{damage}; {again}.", stacklevel=4)
            else:
                if runs is None:
                    write_sums(folder, digest(manifest.identity()))

    def _labels(self, evaluation: Evaluation) -> dict[str, bytes]:
        """Return true classes, and groups, as the files that hold them."""
        classes = np.unique(evaluation.y)
        self._target = np.searchsorted(classes, evaluation.y)
        arrays = {TARGET: self._target}
        if evaluation.holdout is not None:
            arrays[TEST_TARGET] = np.searchsorted(classes, evaluation.holdout[1])
        if evaluation.groups is not None:
            arrays[GROUPS] = evaluation.groups
        return {name: _array_bytes(values) for name, values in arrays.items()}

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
        write_manifest_file(self.path / MANIFEST, self.manifest.to_json())

    def completed(self) -> dict[int, FoldResult]:
        """Read the finished folds by index, but for those that are damaged."""
        _, said = read_manifest_file(self.path / MANIFEST)
        runs = None if said.identity.split is None else Manifest.of_file(said).digests
        folds = {}
        for folder in finished(self.path):
            with suppress(InputError):
                folds[int(folder.name)] = _read_whole(folder, runs)
        return folds

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
        if self.manifest is not None:
            write_sums(staged, digest(self.manifest.identity()))
        for file in staged.rglob("*"):
            sync(file)
        sync(staged)
        staged.rename(self.path / "folds" / f"{result.index:02d}")
        sync(self.path / "folds")
        self._before = None

    def _scores(self, result: FoldResult) -> dict[str, float]:
        if self._target is None or result.proba is None:
            return {}
        return score_predictions(self._target[result.test_index], result.proba)


def _array_bytes(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


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
    old, _ = read_manifest_file(path / MANIFEST)
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
        check_is_same(path, said, identity)


def _read_whole(folder: Path, runs: Collection[str] | None) -> FoldResult:
    """Read a fold if every file of it, models too, is as it was written."""
    if damage := fold_damage(folder, runs):
        raise InputError(damage)
    return read_fold(folder, runs)


def read_folds(path: Path, manifest: Manifest) -> dict[int, FoldResult]:
    """Read a run's finished folds by index; an `InputError` says which is damaged."""
    return {int(folder.name): read_fold(folder, manifest.digests) for folder in finished(path)}


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
    _, said = read_manifest_file(Path(path) / MANIFEST)
    if said.identity.split is None:
        raise InputError(f"The run of {path} has not begun; continue it with --resume.")
    return Manifest.of_file(said)
