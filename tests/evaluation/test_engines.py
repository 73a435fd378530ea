"""Where folds run changes nothing but the time: engines, joblib's contexts, and giving up.

Estimators here are none of Keras', so that worker processes start in a moment.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from memory_store import Store
from sklearn.dummy import DummyClassifier
from sklearn.tree import ExtraTreeClassifier

from cifar_sk import registry
from cifar_sk.errors import InputError
from cifar_sk.evaluation import ENGINES, cross_validate_oof
from cifar_sk.evaluation.engines.processes import _load_task, _store_task
from cifar_sk.evaluation.fold_task import FoldTask
from cifar_sk.folds.progress import EpochEnd, current_fold, report_epoch

X, Y = np.arange(40.0).reshape(40, 1), np.arange(40) % 2


class Reports(ExtraTreeClassifier):
    """Reports three epochs, and tells its process and thread as its size."""

    def fit(self, X, y):
        for epoch in (1, 2, 3):
            report_epoch(EpochEnd(epoch, 3, {"loss": 1 / epoch}))
        self.history_ = {"fold": [current_fold()]}
        self.n_parameters_ = (os.getpid(), threading.get_ident())
        return super().fit(X, y)


def run(**options):
    return cross_validate_oof(Reports(), X, Y, cv=4, **options)


def used(result):
    """Return the processes and the threads that folds ran in."""
    processes, threads = zip(*(fold.n_parameters for fold in result.folds), strict=True)
    return set(processes), set(threads)


HERE = ({os.getpid()}, {threading.get_ident()})


@pytest.mark.parametrize(
    "options",
    [{}, {"n_jobs": 2}, {"engine": "threads", "n_jobs": 2}, {"engine": "processes"}],
)
def test_neither_results_nor_events_depend_on_the_engine(options):
    heard = {index: [] for index in range(4)}

    def listen(event):
        assert threading.current_thread() is threading.main_thread()
        heard[event.index].append((event.epoch and event.epoch.epoch, event.result is not None))

    expected = run()
    result = run(listener=listen, **options)
    assert used(expected) == HERE
    assert [fold.index for fold in result.folds] == [0, 1, 2, 3]
    assert [fold.history["fold"] for fold in result.folds] == [[0], [1], [2], [3]]
    assert current_fold() is None
    np.testing.assert_array_equal(result.oof_proba, expected.oof_proba)
    # A beginning, epochs in their order, and then the end.
    told = [(None, False), (1, False), (2, False), (3, False), (None, True)]
    assert list(heard.values()) == [told] * 4


@pytest.mark.parametrize(
    ("context", "options", "engine", "n_jobs"),
    [
        ({"n_jobs": 2}, {}, "processes", 2),
        ({}, {"n_jobs": -1}, "processes", os.cpu_count()),
        ({"n_jobs": -1}, {"n_jobs": None}, "processes", os.cpu_count()),
        ({"backend": "threading"}, {"n_jobs": -1}, "threads", os.cpu_count()),
        ({"backend": "loky", "n_jobs": -1}, {}, "processes", os.cpu_count()),
        ({"backend": "loky"}, {}, "serial", 1),
        ({"backend": "threading", "n_jobs": 3}, {}, "threads", 3),
        ({"backend": "threading", "n_jobs": 3}, {"n_jobs": 2}, "threads", 2),
        ({"backend": "threading", "n_jobs": 3}, {"n_jobs": 1}, "serial", 1),
        ({"backend": "threading", "n_jobs": 2}, {"engine": "serial"}, "serial", 2),
        ({"backend": "sequential", "n_jobs": 2}, {}, "serial", 1),
    ],
)
def test_joblib_s_context_is_honoured(context, options, engine, n_jobs):
    store = Store()
    with parallel_config(**context):
        result = run(store=store, **options)
    assert (store.begun.engine, store.begun.n_jobs) == (engine, n_jobs)
    processes, threads = used(result)
    assert (os.getpid() in processes) == (engine != "processes")
    if engine != "processes":
        assert (threading.get_ident() in threads) == (engine == "serial")
    assert len(threads if engine == "threads" else processes) <= n_jobs


def test_another_backend_of_joblib_is_refused():
    with (
        parallel_config("multiprocessing", n_jobs=2),
        pytest.raises(InputError, match="joblib's backend 'multiprocessing'; use one of the eng"),
    ):
        run()
    with parallel_config("multiprocessing", n_jobs=2):
        assert used(run(engine="serial")) == HERE


def test_an_engine_may_stand_for_a_backend_of_joblib():
    @ENGINES.register("multiprocessing")
    class Ours:
        def run(self, work, tell):
            return ENGINES["serial"]().run(work, tell)

    try:
        with parallel_config("multiprocessing", n_jobs=2):
            assert used(run()) == HERE
    finally:
        ENGINES.remove("multiprocessing")


class Endless(DummyClassifier):
    """Has an epoch now and then, for a minute."""

    def fit(self, X, y, sample_weight=None):
        for epoch in range(600):
            time.sleep(0.1)
            report_epoch(EpochEnd(epoch, 600, {}))


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError])
def test_what_a_listener_raises_ends_the_evaluation(engine, error):
    def stop(event):
        if event.epoch is not None:
            raise error

    before, n_threads = time.monotonic(), threading.active_count()
    with pytest.raises(error):
        # More folds than the workers are given beforehand.
        cross_validate_oof(Endless(), X, Y, cv=9, engine=engine, n_jobs=2, listener=stop)
    assert time.monotonic() - before < 30
    if engine == "threads":
        assert threading.active_count() == n_threads
    assert not (engine == "processes" and workers_of_joblib())


def workers_of_joblib():
    children = [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if "popen_loky" in " ".join(child.cmdline())]


class Leaves(DummyClassifier):
    def fit(self, X, y):
        os._exit(3)


def test_the_death_of_a_worker_is_told_and_the_next_evaluation_has_new_ones():
    with pytest.raises(ChildProcessError, match="worker process died, perhaps for want of memory"):
        cross_validate_oof(Leaves(), X, Y, cv=2, n_jobs=2)
    assert not run(n_jobs=2).failed


class FailsOnce(DummyClassifier):
    """Fails in the fold that does not train on sample 0."""

    def fit(self, X, y, sample_weight=None):
        if 0 not in np.asarray(X)[:, 0]:
            raise RuntimeError("no sample 0\nin this fold")
        return super().fit(X, y)


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_a_failing_fold_is_reported_and_the_others_go_on(engine):
    result = cross_validate_oof(FailsOnce(), X[:20], Y[:20], cv=5, engine=engine, n_jobs=2)
    assert [fold.error for fold in result.failed] == ["RuntimeError: no sample 0 in this fold"]
    assert len(result.scored) == 4
    assert np.isnan(result.oof_proba).any(axis=1).sum() == 4


class Grows(DummyClassifier):
    """Keeps 400 MB for each fit in its process, whose number it tells as its size."""

    def fit(self, X, y, sample_weight=None):
        time.sleep(1.1)  # loky looks once in a second
        sys.modules.setdefault("kept_by_grows", []).append(np.ones(50_000_000))
        self.n_parameters_ = os.getpid()
        return super().fit(X, y)


def test_workers_are_not_ended_for_what_they_keep_in_memory():
    """Workers that grow by 300 MB between two folds would be ended, and warned of."""
    result = cross_validate_oof(Grows(), X, Y, cv=3, engine="processes")
    assert not result.failed
    assert len({fold.n_parameters for fold in result.folds}) == 1
    get_reusable_executor().shutdown(wait=True)  # so that later tests have the memory


SLEEPS = """
import os, sys, time
import numpy as np
from sklearn.dummy import DummyClassifier
from cifar_sk.evaluation import cross_validate_oof

class Sleeps(DummyClassifier):
    def fit(self, X, y):
        print(os.getpid(), flush=True)
        time.sleep(60)

cross_validate_oof(Sleeps(), np.zeros((8, 1)), [0, 1] * 4, cv=2, n_jobs=2)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(number):
    command = [sys.executable, "-c", SLEEPS]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        workers = [psutil.Process(int(process.stdout.readline())) for _ in range(2)]
        process.send_signal(number)
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert not [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE]
        assert process.wait(20) != 0
        assert process.stderr.read().count("Traceback") == (number == signal.SIGINT)


def test_workers_map_the_arrays_and_have_the_rest_as_it_was(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 2), dtype=np.uint8)
    frame = pd.DataFrame({"a": np.arange(3.0), "b": ["x", "y", "z"]})
    text = np.array(["a", None], dtype=object)
    given = FoldTask(DummyClassifier(), images[:, ::2], text, np.array(["u"]), 3, frame)
    _store_task(given, tmp_path)
    task = _load_task(tmp_path)
    np.testing.assert_array_equal(task.X, images[:, ::2])
    assert not task.X.flags.owndata
    assert not task.X.flags.writeable
    assert task.y.tolist() == ["a", None]
    pd.testing.assert_frame_equal(task.holdout_X, frame)
    assert (task.classes.tolist(), task.random_state) == (["u"], 3)
    assert len((tmp_path / "task.pickle").read_bytes()) < images[:, ::2].nbytes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "serail"}, "no engine 'serail'; did you mean 'serial'?"),
        (
            {"engine": 3},
            "one of serial, processes, threads, or an object with a method run; got 3",
        ),
        ({"n_jobs": 0}, "n_jobs must be a number from 1, or -1 for all processors; got 0"),
        ({"n_jobs": 1.5}, "n_jobs must be a number from 1, or -1 for all processors; got 1.5"),
    ],
)
def test_engines_and_jobs_that_there_are_not(options, message):
    with pytest.raises(InputError) as error:
        run(**options)
    assert message in str(error.value)


# --- an engine from outside the package -------------------------------------------------------

OUTSIDE = '''
from cifar_sk.evaluation import FoldEvent, run_fold


class Backwards:
    """Runs the last fold first and tries each twice, as a cluster might."""

    def run(self, work, tell):
        for split in reversed(work.splits):
            for _ in range(2):
                yield run_fold(work.task, split, n_threads=work.n_threads, tell=tell)
                tell(FoldEvent(split.index))


class Loses:
    def run(self, work, tell):
        yield run_fold(work.task, work.splits[1])
'''


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder on the path, with a module of engines that is installed, as its metadata say."""
    (tmp_path / "outside_engines.py").write_text(OUTSIDE)
    installed = tmp_path / "outside_engines-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-engines\n")
    points = "[cifar_sk.engines]\nbackwards = outside_engines:Backwards\n"
    (installed / "entry_points.txt").write_text(points + "loses = outside_engines:Loses\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ENGINES, "_asked_installed", False)
    registry._entry_points.cache_clear()
    yield tmp_path
    registry._entry_points.cache_clear()
    for name in ("backwards", "loses"):
        ENGINES.remove(name)


def test_an_engine_from_outside_runs_by_command_line(outside):
    arguments = "--model logistic --dataset digits --limit 200 --folds 3 --jobs 1 --quiet"
    command = [sys.executable, "-m", "cifar_sk.cv", *arguments.split(), "--results", str(outside)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(outside), *sys.path])}
    processes = [
        subprocess.Popen([*command, "--engine", engine, "--run", run], env=env)
        for engine, run in [("outside_engines:Backwards", "outside"), ("serial", "ours")]
    ]
    assert [process.wait() for process in processes] == [0, 0]
    manifest = json.loads((outside / "outside" / "run.json").read_text())
    assert manifest["engine"] == "outside_engines:Backwards"
    for table in ("oof_predictions.csv", "class_metrics.csv"):
        ours = (outside / "ours" / table).read_bytes()
        assert (outside / "outside" / table).read_bytes() == ours


def test_a_fold_that_is_tried_twice_counts_once(outside):
    heard, store = [], Store()
    result = run(engine="backwards", listener=heard.append, store=store)
    np.testing.assert_array_equal(result.oof_proba, run().oof_proba)
    assert [event.index for event in heard if event.result is not None] == [3, 2, 1, 0]
    assert len(heard) == 4 * 5
    assert list(store.folds) == [3, 2, 1, 0]


def test_an_engine_that_loses_folds_is_found_out(outside):
    store = Store()
    with pytest.raises(ChildProcessError, match=r"engine loses ended without folds \[0, 2, 3\]"):
        run(engine="loses", store=store)
    assert list(store.folds) == [1]
    assert store.ended is None


def test_an_engine_may_be_an_object(outside):
    from outside_engines import Backwards

    store = Store()
    result = run(engine=Backwards(), store=store)
    np.testing.assert_array_equal(result.oof_proba, run().oof_proba)
    assert store.begun.engine == "Backwards"
