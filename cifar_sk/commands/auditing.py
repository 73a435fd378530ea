"""What ``cifar-sk audit`` looks at: a pipeline that the user names, or a finished run."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.leaks.auditing import audit, audit_subject
from cifar_sk.leaks.findings import Finding
from cifar_sk.leaks.records import stopped_on_scored_fold
from cifar_sk.leaks.sources import audit_source
from cifar_sk.leaks.subject import Subject
from cifar_sk.registry import import_attribute, is_import_path, own_code

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.runs.reading import FinishedRun

__all__ = ["NamedPipeline", "audit_run", "audit_selection", "open_pipeline"]

_GIVEN = ("cv", "groups", "test", "fit_params")


@dataclass(frozen=True)
class NamedPipeline:
    """A pipeline that a command line names, with what stands beside it in its module.

    Attributes
    ----------
    estimator : classifier or pipeline
        What is audited.
    beside : mapping
        ``X``, ``y``, ``cv``, ``groups``, ``test`` and ``fit_params``, where the module has them.
    source : Path or None
        The module's file.
    """

    estimator: Any
    beside: Mapping[str, Any] = field(default_factory=dict)
    source: Path | None = None

    def audit(
        self, bunch: Bunch | None, *, folds: int, groups: Any, seed: int, probes: bool
    ) -> list[Finding]:
        """Audit the pipeline on a data set, or on the samples of its own module."""
        given: dict[str, Any] = {"cv": folds}
        if bunch is None:
            X, y = self.beside["X"], self.beside["y"]
            given |= {name: self.beside[name] for name in _GIVEN if name in self.beside}
        else:
            X, y = bunch.images, bunch.target
            if bunch.test_images is not None:
                given["test"] = bunch.test_images, bunch.test_target
        if groups is not None:
            given["groups"] = groups
        found = audit(self.estimator, X, y, random_state=seed, probes=probes, **given)
        if self.source is None:
            return found
        return found + audit_source(self.source, {"X"} if bunch is None else ())


def open_pipeline(name: str) -> NamedPipeline:
    """Import what ``package.module:name`` or ``script.py:name`` names, and call a function.

    This runs the user's code, so the name comes from the command line and never from a file.
    """
    where, _, attribute = name.rpartition(":")
    if where.endswith(".py") and attribute.isidentifier():
        module = _run_script(Path(where))
        if not hasattr(module, attribute):
            raise InputError(f"{where} has no {attribute!r}; name what it calls its pipeline.")
        value = getattr(module, attribute)
    elif is_import_path(name):
        value = import_attribute(name, "pipeline")
        module = sys.modules[where]
    else:
        raise InputError(
            f"{name!r} is neither the folder of a run nor package.module:pipeline or "
            f"script.py:pipeline; name one of these."
        )
    if not hasattr(value, "predict_proba") or isinstance(value, type):
        if not callable(value):
            kind = type(value).__name__
            raise InputError(f"The pipeline {name!r} is no classifier but {kind}; name another.")
        with own_code("pipeline", name):
            value = value()
    beside = {key: getattr(module, key) for key in ("X", "y", *_GIVEN) if hasattr(module, key)}
    source = inspect.getsourcefile(module) if hasattr(module, "__file__") else None
    return NamedPipeline(value, beside, None if source is None else Path(source))


def _run_script(path: Path) -> Any:
    """Import a script by its path, under its own name."""
    if not path.is_file():
        raise InputError(f"There is no script {path}; name one that exists.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python script; name one that is.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # worker processes and pickles look for it there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's own script does
        kind = type(error).__name__
        raise InputError(f"The script {path} cannot be imported ({kind}: {error}).") from error
    return module


def audit_run(run: FinishedRun, bunch: Bunch | None = None) -> list[Finding]:
    """Audit a finished run by its files, and by its images where they are given.

    Parameters
    ----------
    run : FinishedRun
        As `cifar_sk.read_run` reads it.
    bunch : Bunch, default=None
        The run's own data set.

    Returns
    -------
    list of Finding
    """
    result = run.result
    X = None if bunch is None else bunch.images
    subject = Subject(None, X, result.target, _splits(result), result.groups)
    found = audit_subject(subject, probes=False)
    found += stopped_on_scored_fold(result)
    return found + _selected(run.manifest.selected)


def audit_selection(study: Path, bunch: Bunch) -> list[Finding]:
    """Tell by fingerprints of images whether a study's ``best.json`` was selected on them."""
    from cifar_sk.pipelines.tuned import read_tuned

    return _selected(read_tuned(study).selection_note(bunch))


def _selected(note: str | None) -> list[Finding]:
    remedy = "score them on images that the study never saw (--test-split, --holdout, --nested)"
    return [Finding("selected_on_these_images", note.rstrip("."), remedy)] if note else []


def _splits(result: Any) -> list[Any]:
    """Make the folds of a run again: what a fold did not score, it was trained on."""
    from cifar_sk.folds.splits import Split

    everything = np.arange(len(result.target))
    return [
        Split(
            f.index, f.repeat, f.fold, np.setdiff1d(everything, f.test_index), f.test_index, f.seed
        )
        for f in result.folds
    ]
