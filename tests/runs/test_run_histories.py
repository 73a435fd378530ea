"""What is read of a run folder is what was committed, or what is wrong is said."""

import random
import shutil
import tempfile
import warnings
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold

from cifar_sk.errors import InputError
from cifar_sk.folds.evaluation import Evaluation
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.splits import as_splits
from cifar_sk.runs import folder as run_folder
from cifar_sk.runs.folder import RunFolder
from cifar_sk.runs.reading import read_run
from studies.benchmarks.fault_damage import WAYS

N_FOLDS = 4
Y = np.arange(16) % 2
EVALUATION = Evaluation(
    estimator=DummyClassifier(),
    X=np.zeros((16, 1)),
    y=Y,
    splits=as_splits(KFold(N_FOLDS), Y, None, 0),
    random_state=0,
    class_names=("cat", "dog"),
)
STRAYS = ["00.bak", "0.txt", "x", "01 copy", ".DS_Store"]
FILES = ["metrics.json", "predictions.npz", "history.csv", "files.json"]


class Crash(BaseException):
    """Stands for the end of the process: nothing in the library catches it."""


def result_of(index, draw):
    """Make a fold's result, another one for each draw."""
    rng = np.random.default_rng([index, draw])
    split = EVALUATION.splits[index]
    return FoldResult(
        index=index,
        repeat=0,
        fold=index,
        n_train=len(split.train),
        test_index=split.test,
        proba=rng.dirichlet(np.ones(2), size=len(split.test)),
        fit_time=rng.random(),
        score_time=rng.random(),
        history={"loss": list(rng.random(2))},
        n_epochs=2,
    )


def is_same(one, other):
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(FoldResult)
    )


class Histories(RuleBasedStateMachine):
    """Commits, kills, damage and resumes in any order, beside a dict of what was committed."""

    def __init__(self):
        super().__init__()
        self.path = Path(tempfile.mkdtemp()) / "run"
        self.committed = {}
        self.damaged = set()
        self.run = None
        self.draw = 0

    def teardown(self):
        self._release()
        shutil.rmtree(self.path.parent)

    def _release(self):
        """Let go of the lock, as the kernel does when a process ends."""
        if self.run is not None:
            self.run._lock.release()
            self.run = None

    @initialize()
    def begin(self):
        self.run = RunFolder.open(self.path)
        self.run.begin(EVALUATION)

    @rule()
    @precondition(lambda self: self.run is None)
    def resume(self):
        self.run = RunFolder.open(self.path, resume=True)
        with warnings.catch_warnings(record=True, action="always") as said:
            self.run.begin(EVALUATION)
        told = " ".join(str(warning.message) for warning in said)
        for index in self.damaged:
            assert f"folds/{index:02d}" in told
            assert f"what was there is {index:02d}.damaged" in told
            del self.committed[index]
        assert len(said) == len(self.damaged)
        self.damaged = set()

    def _fit(self, index):
        """Fit a fold as the loop does: only what is missing."""
        if index in self.run.completed() or index in self.damaged:
            return None
        self.draw += 1
        return result_of(index, self.draw)

    @rule(index=st.integers(0, N_FOLDS - 1))
    @precondition(lambda self: self.run is not None)
    def commit(self, index):
        if (result := self._fit(index)) is not None:
            self.run.staging(index)
            self.run.commit(result)
            self.committed[index] = result

    @rule(index=st.integers(0, N_FOLDS - 1), steps=st.integers(0, 6))
    @precondition(lambda self: self.run is not None)
    def be_killed_while_committing(self, index, steps):
        if (result := self._fit(index)) is None:
            return
        (self.run.staging(index) / "model.keras").write_text("half of it")
        left = iter(range(steps))

        def sync_or_crash(path, sync=run_folder.sync):
            if next(left, None) is None:
                raise Crash
            sync(path)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_folder, "sync", sync_or_crash)
            with suppress(Crash):
                self.run.commit(result)
        if (self.path / "folds" / f"{index:02d}").exists():  # it died after the rename
            self.committed[index] = result
        self._release()

    @rule()
    @precondition(lambda self: self.run is not None)
    def be_killed(self):
        self._release()

    @rule(error=st.sampled_from([None, KeyboardInterrupt, OSError, InputError]))
    @precondition(lambda self: self.run is not None)
    def end(self, error):
        self.run.__exit__(error, error and error(), None)
        self.run = None
        if not self.path.joinpath("run.json").exists():
            # An input that the first fold of a new run refuses leaves nothing.
            assert error is InputError
            assert not self.committed
            assert {file.name for file in self.path.rglob("*") if file.is_file()} <= {*STRAYS}
            shutil.rmtree(self.path, ignore_errors=True)
            self.begin()

    @rule(data=st.data(), name=st.sampled_from(FILES), way=st.sampled_from(sorted(WAYS)))
    @precondition(lambda self: self.run is None and set(self.committed) - self.damaged)
    def damage(self, data, name, way):
        index = data.draw(st.sampled_from(sorted(set(self.committed) - self.damaged)))
        if way == "swapped with another":
            way = "bytes appended"  # or two folds would be damaged
        file = self.path / "folds" / f"{index:02d}" / name
        before = file.read_bytes()
        WAYS[way](file, random.Random(data.draw(st.integers(0, 2**32))))
        if not file.is_file() or file.read_bytes() != before:
            self.damaged.add(index)

    @rule(name=st.sampled_from(STRAYS))
    @precondition(lambda self: self.path.joinpath("folds").exists())
    def leave_a_stray_file(self, name):
        (self.path / "folds" / name).write_text("of another program")

    @rule(seed=st.integers(0, 2**32), way=st.sampled_from(sorted(WAYS)))
    @precondition(lambda self: self.run is None and not self.damaged)
    def resume_a_damaged_manifest(self, seed, way):
        file = self.path / "run.json"
        before = file.read_bytes()
        WAYS[way](file, random.Random(seed))
        folds = sorted(self.path.glob("folds/[0-9][0-9]"))
        try:
            with warnings.catch_warnings(action="error"):
                run = RunFolder.open(self.path, resume=True)
                with run:
                    run.begin(EVALUATION)
        except InputError:
            pass
        else:
            assert run.completed().keys() == self.committed.keys()
        # Whatever was said, nothing is lost.
        assert sorted(self.path.glob("folds/[0-9][0-9]")) == folds
        if file.is_dir():
            file.rmdir()
        file.write_bytes(before)

    @invariant()
    def what_is_read_was_committed(self):
        if self.run is None:
            return
        found = self.run.completed()
        assert found.keys() == self.committed.keys() - self.damaged
        assert all(is_same(found[index], self.committed[index]) for index in found)

    @invariant()
    def a_finished_run_is_read_or_what_is_wrong_is_named(self):
        if len(self.committed) < N_FOLDS:
            return
        if not self.damaged:
            run = read_run(self.path)
            assert all(is_same(fold, self.committed[fold.index]) for fold in run.result.folds)
            return
        with pytest.raises(InputError) as error:
            read_run(self.path)
        assert any(f"folds/{index:02d}" in str(error.value) for index in self.damaged)
        assert "\n" not in str(error.value)


Histories.TestCase.settings = settings(
    settings.get_profile("suite"), max_examples=25, stateful_step_count=14
)
TestHistories = Histories.TestCase
