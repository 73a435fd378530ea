"""What a run is: its data, split, pipeline and seed, and where its numbers came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cifar_sk.folds.json_values import plain
from cifar_sk.folds.splits import Split, split_fingerprint
from cifar_sk.folds.steps import PASSTHROUGH, is_left_out
from cifar_sk.runs.checksums import FileSum, digest
from cifar_sk.runs.fingerprints import samples_fingerprint, value_fingerprint
from cifar_sk.runs.manifest_file import SCHEMA, ManifestFile, Stage

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.folds.evaluation import Evaluation

__all__ = ["DataRecord", "Manifest", "SplitRecord", "as_json", "pipeline_description"]


@dataclass(frozen=True)
class DataRecord:
    """Which samples: a name for people, and a fingerprint of images, labels and class names.

    Attributes
    ----------
    name : str
        Such as "cifar10-jpeg"; "array" for arrays of a program's own.
    n_samples : int
        How many.
    fingerprint : str
        SHA-256, 64 hexadecimal digits.
    class_names : tuple of str
        In the order of the labels.
    image_shape : tuple of int or None
        Shape of one sample.
    source : str or None
        Where the samples were read from.
    fallback : str or None
        A sentence where this data set stands in for another.
    """

    name: str
    n_samples: int
    fingerprint: str
    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    source: str | None = None
    fallback: str | None = None

    @classmethod
    def of_bunch(cls, bunch: Bunch) -> Self:
        """Describe a data set that was loaded."""
        return cls(
            bunch.name,
            len(bunch.target),
            bunch.fingerprint,
            tuple(bunch.target_names),
            tuple(bunch.images.shape[1:]),
            bunch.source,
            bunch.fallback,
        )

    @classmethod
    def of_arrays(cls, X: Any, target: np.ndarray, class_names: Sequence[str]) -> Self:
        """Describe samples of a program's own; `target` are positions in `class_names`."""
        fingerprint, shape = samples_fingerprint(X, target, class_names)
        return cls("array", len(target), fingerprint, tuple(class_names), shape)

    def identity(self) -> dict[str, Any]:
        """Return what must be equal where a run is continued."""
        return {"name": self.name, "n_samples": self.n_samples, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class SplitRecord:
    """Which folds: how many, and a fingerprint of who is in which."""

    n_folds: int
    n_repeats: int
    fingerprint: str | None
    n_seeds: int = 1

    @classmethod
    def of(cls, splits: Sequence[Split]) -> Self:
        """Describe the folds of a run."""
        return cls(
            max(split.fold for split in splits) + 1,
            max(split.repeat for split in splits) + 1,
            split_fingerprint(splits),
            max(split.seed for split in splits) + 1,
        )

    @property
    def n_expected(self) -> int:
        """How many folds the whole run has."""
        return self.n_folds * self.n_repeats * self.n_seeds

    @property
    def words(self) -> str:
        """The folds in words, such as "1 × 5 folds" or "3 × 5 folds, 2 seeds"."""
        seeds = f", {self.n_seeds} seeds" if self.n_seeds > 1 else ""
        return f"{self.n_repeats} × {self.n_folds} folds{seeds}"

    def identity(self) -> dict[str, Any]:
        """Return what must be equal where a run is continued."""
        # One seed goes without saying, as in runs that older versions began.
        seeds = {} if self.n_seeds == 1 else {"n_seeds": self.n_seeds}
        folds = {"n_folds": self.n_folds, "n_repeats": self.n_repeats}
        return {**folds, **seeds, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class Manifest:
    """What ``run.json`` holds.

    Attributes
    ----------
    data : DataRecord
        The samples.
    split : SplitRecord
        The folds.
    test_split : DataRecord or None
        The official test split, where every fold's model predicted it too.
    pipeline : dict
        Steps and parameters, as `pipeline_description` returns them.
    seed : int or None
        The run's seed.
    n_threads : int or None
        Threads of a fold, on which sums of floats depend.
    save_models : bool
        Whether the fitted models were kept.
    fit_params : dict
        Fingerprints of what ``fit`` was given beside samples and labels, such as weights.
    own : dict
        What a program added to be equal where its run is continued.
    engine : str or None
        Where folds ran.
    title, command, backend, created, selected : str or None
        A heading, how the run was called, Keras' backend, when it began (UTC), and a warning
        where its parameters were selected on the same images; "" where it is known that they
        were selected on others.
    versions, machine : dict
        Of packages, and what the processors are.
    status : str
        "running", "interrupted", "failed folds" or "complete".
    failed : dict
        Reasons of failed folds by index.
    timings : dict
        ``fit_time`` and ``score_time`` of all folds, seconds.
    notes : dict
        What else a program wrote for readers.
    files : dict
        Size and SHA-256 of the files of labels and groups, by name.
    n_groups : int or None
        Number of groups of samples, where there are groups.
    stages : tuple of Stage
        What the run was each time that repeats or seeds were added to it.
    schema : int
        Version of the form that the run was written in.
    """

    data: DataRecord
    split: SplitRecord
    test_split: DataRecord | None = None
    pipeline: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    n_threads: int | None = None
    save_models: bool = False
    fit_params: dict[str, str] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    engine: str | None = None
    title: str | None = None
    selected: str | None = None
    command: str | None = None
    backend: str = "tensorflow"
    created: str | None = None
    versions: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    status: str = "running"
    failed: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, FileSum] = field(default_factory=dict)
    n_groups: int | None = None
    stages: tuple[Stage, ...] = ()
    schema: int = SCHEMA

    @property
    def digest(self) -> str | None:
        """What new folds say that they belong to; None of versions that noted nothing."""
        return digest(self.identity()) if self.schema >= SCHEMA else None

    @property
    def digests(self) -> frozenset[str] | None:
        """What the run's folds may say, those of earlier stages too."""
        if self.digest is None:
            return None
        return frozenset({self.digest, *(s.digest for s in self.stages if s.digest is not None)})

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        *,
        data: DataRecord | None = None,
        own: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Self:
        """Describe an evaluation that is about to begin.

        Parameters
        ----------
        evaluation : Evaluation
            As the fold loop hands it to its store.
        data : DataRecord, default=None
            What the samples are called, where they were loaded by name.
        own : mapping, default=None
            What else must be equal where the run is continued; JSON values.
        about : mapping, default=None
            What readers should know: ``title``, ``command``, ``versions`` and the like; other
            names become notes.
        """
        known = {name: value for name, value in (about or {}).items() if name in _FOR_READERS}
        notes = {name: value for name, value in (about or {}).items() if name not in _FOR_READERS}
        names = evaluation.class_names
        classes = np.unique(evaluation.y)
        test = None
        if evaluation.holdout is not None:
            test_X, test_y = evaluation.holdout
            test = DataRecord.of_arrays(test_X, np.searchsorted(classes, test_y), names)
        target = np.searchsorted(classes, evaluation.y)
        return cls(
            data=data or DataRecord.of_arrays(evaluation.X, target, names),
            split=SplitRecord.of(evaluation.splits),
            test_split=test,
            pipeline=pipeline_description(evaluation.estimator),
            seed=evaluation.random_state,
            n_threads=evaluation.n_threads,
            save_models=evaluation.save_models,
            fit_params={n: value_fingerprint(v) for n, v in evaluation.fit_params.items()},
            own=dict(own or {}),
            engine=evaluation.engine,
            n_groups=None if evaluation.groups is None else int(evaluation.groups.max()) + 1,
            notes=as_json(notes),
            **as_json(known),
        )

    def identity(self) -> dict[str, Any]:
        """Return what must be equal where the run is continued, in JSON values."""
        test = self.test_split
        identity = {
            "data": self.data.identity(),
            "test_split": test and {"n_samples": test.n_samples, "fingerprint": test.fingerprint},
            "split": self.split.identity(),
            "pipeline": self.pipeline,
            "seed": self.seed,
            "threads_per_fold": self.n_threads,
            "save_models": self.save_models,
            # TensorFlow goes without saying, as in runs that older versions began.
            **({} if self.backend == "tensorflow" else {"backend": self.backend}),
            **({"fit_params": self.fit_params} if self.fit_params else {}),
            **({"own": self.own} if self.own else {}),
        }
        return as_json(identity)

    def to_json(self) -> dict[str, Any]:
        """Return what is written."""
        return {
            "schema": SCHEMA,
            "identity": self.identity(),
            "title": self.title,
            "selected": self.selected,
            "created": self.created,
            "command": self.command,
            "backend": self.backend,
            "versions": self.versions,
            "machine": self.machine,
            "engine": self.engine,
            "status": self.status,
            "fallback": self.data.fallback,
            "data_source": self.data.source,
            "class_names": list(self.data.class_names),
            "image_shape": self.data.image_shape and list(self.data.image_shape),
            "failed": self.failed,
            "timings": self.timings,
            **({"notes": self.notes} if self.notes else {}),
            **({"n_groups": self.n_groups} if self.n_groups is not None else {}),
            **({"stages": [stage.model_dump() for stage in self.stages]} if self.stages else {}),
            "files": {name: file.model_dump() for name, file in self.files.items()},
        }

    @classmethod
    def of_file(cls, said: ManifestFile) -> Self:
        """Take what a ``run.json`` says of a run that has begun."""
        identity, names = said.identity, tuple(said.class_names)
        data, split, test = identity.data, identity.split, identity.test_split
        if split is None:
            raise ValueError("a run that has not begun has no manifest")
        shape = said.image_shape
        known = {name: getattr(said, name) for name in sorted(_FOR_READERS)}
        return cls(
            data=DataRecord(
                **data.model_dump(),
                class_names=names,
                image_shape=None if shape is None else tuple(shape),
                source=said.data_source,
                fallback=said.fallback,
            ),
            split=SplitRecord(**split.model_dump()),
            test_split=None
            if test is None
            else DataRecord(data.name, **test.model_dump(), class_names=names),
            pipeline=identity.pipeline,
            seed=identity.seed,
            n_threads=identity.threads_per_fold,
            save_models=bool(identity.save_models),
            fit_params=identity.fit_params,
            own=identity.own,
            files=said.files,
            n_groups=said.n_groups,
            stages=tuple(said.stages),
            schema=said.version,
            **{name: value for name, value in known.items() if value is not None},
        )


_FOR_READERS = frozenset(
    {
        *("engine", "title", "selected", "command", "backend", "created", "versions", "machine"),
        *("status", "failed", "timings", "notes"),
    }
)


def as_json(value: Any) -> Any:
    """Return what JSON makes of a value, for that is what a later run compares with."""
    return json.loads(json.dumps(value))


def pipeline_description(pipeline: Any) -> dict[str, Any]:
    """Describe a pipeline, or any estimator, in JSON values that are equal for equal pipelines.

    ``steps`` (name to class, or "passthrough"), ``order`` (their names, for mappings are equal in
    any order) and ``params`` (sorted by name, objects as their text). ``inner_split`` is there
    where a split is held out before a step resamples, for older versions did so afterwards.
    """
    params = pipeline.get_params(deep=True)
    steps = dict(getattr(pipeline, "steps", [("classifier", pipeline)]))
    splits_first = getattr(getattr(pipeline, "estimator", pipeline), "splits_first", False)
    return {
        **({"inner_split": "drawn before resampling"} if splits_first else {}),
        "steps": {
            name: PASSTHROUGH if is_left_out(step) else type(step).__name__
            for name, step in steps.items()
        },
        "order": list(steps),
        "params": {
            name: plain(value)
            for name, value in sorted(params.items())
            # Where a search keeps its trials is no part of what is computed.
            if name not in {*steps, "steps", "memory", "storage"}
        },
    }
