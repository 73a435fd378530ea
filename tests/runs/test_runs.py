import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold

from cifar_sk import cross_validate_oof
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.runs import fold_files
from cifar_sk.runs.files import differences, write_atomically
from cifar_sk.runs.fold_files import read_fold
from cifar_sk.runs.folder import RunFolder

IDENTITY = {"data": {"fingerprint": "d" * 64}, "seed": 0, "pipeline": {"params": {"widths": (8,)}}}


def fold(index=0, **changes):
    rng = np.random.default_rng(index)
    proba = rng.dirichlet(np.ones(3), size=7)
    history = {"loss": [1 / 3, 0.1 + 0.2, 1e-300], "accuracy": [0.0, float("nan"), 1.0]}
    result = FoldResult(
        index=index,
        repeat=0,
        fold=index,
        n_train=20,
        test_index=np.sort(rng.choice(30, 7, replace=False)),
        proba=proba,
        fit_time=1 / 7,
        score_time=2e-5,
        history=history,
        n_epochs=3,
        n_parameters=1234,
        holdout_proba=rng.dirichlet(np.ones(3), size=4),
    )
    return replace(result, **changes)


def assert_same(one, other):
    for name in (field.name for field in fields(FoldResult)):
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            assert first.tobytes() == second.tobytes()
        elif name == "history":
            assert list(first) == list(second)
            for key, values in first.items():
                assert np.array_equal(values, second[key], equal_nan=True)
        else:
            assert first == second or first != first, name


def own(path):
    """What a program wrote of its own."""
    return json.loads((path / "run.json").read_text())["identity"]["own"]


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def test_folds_are_read_back_exactly(tmp_path):
    written = [fold(0), fold(1, holdout_proba=None), fold(2, history={}, n_epochs=None)]
    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        for result in written:
            run.commit(result)
    with RunFolder.open(tmp_path / "run", IDENTITY, resume=True) as run:
        read = run.completed()
    assert list(read) == [0, 1, 2]
    for result in written:
        assert_same(result, read[result.index])


def test_numpy_scalars_are_read_back_as_numbers(tmp_path):
    given = fold(
        n_epochs=np.int64(3), history={"loss": [np.float32(0.1), np.float64(0.2), np.int64(1)]}
    )
    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        run.commit(given)
        read = run.completed()[0]
    assert read.n_epochs == 3
    assert read.history == {"loss": [float(np.float32(0.1)), 0.2, 1.0]}


def test_scores_stand_beside_the_predictions(tmp_path):
    X, y = np.zeros((30, 1)), np.arange(30) % 3
    cross_validate_oof(DummyClassifier(), X, y, cv=KFold(10), store=tmp_path / "run")
    metrics = json.loads((tmp_path / "run/folds/00/metrics.json").read_text())
    assert metrics["scores"]["accuracy"] == 1 / 3
    assert json.loads((tmp_path / "run/folds/00/metrics.json").read_text())["scores"]["mcc"] == 0
    assert names(tmp_path / "run/folds/00") == [
        *("files.json", "history.csv", "metrics.json", "predictions.npz")
    ]


def test_what_is_staged_becomes_part_of_the_fold(tmp_path):
    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        (run.staging(0) / "half.keras").write_text("of a process that was killed")
        assert run.completed() == {}
        assert names(run.staging(0)) == []
        (run.staging(0) / "model.keras").write_text("model")
        run.commit(fold())
    assert "model.keras" in names(tmp_path / "run/folds/00")
    assert "half.keras" not in names(tmp_path / "run/folds/00")
    assert names(tmp_path / "run/folds") == ["00"]


def test_a_run_is_not_continued_unless_asked(tmp_path):
    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        run.commit(fold())
    with pytest.raises(InputError, match="a run with 1 finished folds; continue it with --resume"):
        RunFolder.open(tmp_path / "run", IDENTITY)


def test_another_run_is_not_continued_and_what_differs_is_named(tmp_path):
    RunFolder.open(tmp_path / "run", IDENTITY).__exit__(None)
    other = {**IDENTITY, "seed": 1, "pipeline": {"params": {"widths": (16,), "l2": 0.1}}}
    with pytest.raises(InputError) as error:
        RunFolder.open(tmp_path / "run", other, resume=True)
    text = str(error.value)
    assert "seed was 0 and is 1" in text
    assert "pipeline.params.widths was [8] and is [16]" in text
    assert "pipeline.params.l2 was None and is 0.1" in text
    assert "fingerprint" not in text


def test_resume_and_overwrite_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="either resumed or overwritten"):
        RunFolder.open(tmp_path / "run", IDENTITY, resume=True, overwrite=True)
    assert names(tmp_path) == []


def test_overwrite_leaves_nothing_of_the_old_run_and_all_that_is_not_a_run_s(tmp_path):
    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        run.commit(fold())
        for name in ("figures/samples.png", "figures/mine.png", "notes.txt", "mistakes.csv"):
            (run.path / name).parent.mkdir(exist_ok=True)
            (run.path / name).write_text("")
        (run.path / "elsewhere").symlink_to(tmp_path)
    other = {**IDENTITY, "seed": 1}
    with RunFolder.open(tmp_path / "run", other, overwrite=True) as run:
        assert run.completed() == {}
    kept = ["elsewhere", "figures", "notes.txt"]
    assert names(tmp_path / "run") == [".lock", *kept[:2], "folds", *kept[2:], "run.json"]
    assert names(tmp_path / "run/figures") == ["mine.png"]
    assert own(tmp_path / "run")["seed"] == 1
    assert names(tmp_path) == ["run"]


def fill_and_interrupt(n_folds, path, identity, overwrite):
    with RunFolder.open(path, identity, overwrite=overwrite) as run:
        for index in range(n_folds):
            run.commit(fold(index))
        raise KeyboardInterrupt


def interrupt(n_folds, path, identity=IDENTITY, overwrite=False):
    """Open a run, finish some folds, and press Ctrl-C."""
    with pytest.raises(KeyboardInterrupt):
        fill_and_interrupt(n_folds, path, identity, overwrite)


def test_an_overwritten_run_comes_back_unless_a_fold_of_the_new_one_is_finished(tmp_path):
    path, new = tmp_path / "run", {**IDENTITY, "seed": 1}
    interrupt(2, path)
    interrupt(0, path, identity=new, overwrite=True)
    assert names(path / "folds") == ["00", "01"]
    assert own(path)["seed"] == 0
    assert ".replaced" not in names(path)
    interrupt(1, path, identity=new, overwrite=True)
    assert names(path / "folds") == ["00"]
    with RunFolder.open(path, new, resume=True):
        assert names(path / ".replaced/folds") == ["00", "01"]  # until the new one is there
    assert names(path) == [".lock", "folds", "run.json"]


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
@pytest.mark.parametrize("content", [{"notes.txt": "mine"}, {"run.json": '{"name": "npm"}'}])
def test_a_folder_that_is_no_run_is_never_touched(tmp_path, options, content):
    for name, text in {**content, "precious.txt": "mine"}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError):
        RunFolder.open(tmp_path, IDENTITY, **options)
    assert {*names(tmp_path)} == {*content, "precious.txt"}
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; name another folder"):
        RunFolder.open(tmp_path / "file", IDENTITY)
    with pytest.raises(InputError, match=r"cannot be made .*; name another folder"):
        RunFolder.open(tmp_path / "file/run", IDENTITY)


def test_input_that_the_first_fold_finds_unusable_leaves_no_new_run(tmp_path):
    def open_and_fail(n_folds, **options):
        with RunFolder.open(tmp_path / "run", IDENTITY, **options) as run:
            for index in range(n_folds):
                run.commit(fold(index))
            raise InputError("No.")

    with pytest.raises(InputError, match=r"^No\.$"):
        open_and_fail(0)
    assert names(tmp_path) == []
    with pytest.raises(InputError, match=r"^No\.$"):
        open_and_fail(1)
    with pytest.raises(InputError, match=r"^No\.$"):
        open_and_fail(0, resume=True)
    assert names(tmp_path / "run/folds") == ["00"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"format": 99}', "\x00"])
@pytest.mark.parametrize("options", [{"resume": True}, {"overwrite": True}])
def test_an_unreadable_manifest_is_refused(tmp_path, text, options):
    RunFolder.open(tmp_path / "run", IDENTITY).__exit__(None)
    (tmp_path / "run/run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json") as error:
        RunFolder.open(tmp_path / "run", IDENTITY, **options)
    assert "\n" not in str(error.value)


def test_predictions_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "exploded",)

    with RunFolder.open(tmp_path / "run", IDENTITY) as run:
        run.commit(fold())
        path = run.path / "folds/00/predictions.npz"
        np.savez(path, index=np.arange(7), proba=np.array([Bomb()] * 7, dtype=object))
        with pytest.raises(InputError, match="folds/00 cannot be read"):
            read_fold(path.parent)
    assert not (tmp_path / "exploded").exists()


# --- crashes ---------------------------------------------------------------------------


class Crash(BaseException):
    """Stands for the end of the process: nothing in the library catches it."""


def survives(monkeypatch, step, action):
    """Run an action that crashes at the step-th change of the disk; False if it did."""
    left = iter(range(step))
    targets = [(os, "mkdir"), (os, "rename"), (os, "replace"), (os, "fsync"), (os, "rmdir")]
    targets += [
        (os, "unlink"),
        (fold_files.np, "savez"),
        (fold_files.csv, "writer"),
        (Path, "write_text"),
    ]

    def wrap(function):
        def replacement(*args, **kwargs):
            if next(left, None) is None:
                raise Crash
            return function(*args, **kwargs)

        return replacement

    with monkeypatch.context() as patch:
        for module, name in targets:
            patch.setattr(module, name, wrap(getattr(module, name)))
        try:
            action()
        except Crash:
            return False
    return True


def fill(path, committed):
    with RunFolder.open(path, IDENTITY) as run:
        for index in range(2):
            run.commit(fold(index))
            committed.append(index)


def test_a_crash_while_a_run_is_made_and_filled_loses_no_committed_fold(tmp_path, monkeypatch):
    step, done = 0, False
    while not done:
        path, committed = tmp_path / f"run{step}", []
        done = survives(monkeypatch, step, lambda p=path, c=committed: fill(p, c))
        with RunFolder.open(path, IDENTITY, resume=True) as run:
            found = run.completed()
            assert set(committed) <= set(found)  # it may have crashed just after the rename
            for index, result in found.items():
                assert_same(fold(index), result)
            for index in {0, 1} - set(found):
                run.commit(fold(index))
            assert set(run.completed()) == {0, 1}
        assert names(path) == [".lock", "folds", "run.json"]
        assert names(path / "folds") == ["00", "01"]
        step += 1
    assert step > 20


def test_a_crash_while_a_run_is_replaced_never_mixes_it_with_the_new(tmp_path, monkeypatch):
    new = {**IDENTITY, "seed": 1}

    def replace_run(path):
        RunFolder.open(path, new, overwrite=True).__exit__(None)

    step, done = 0, False
    while not done:
        path = tmp_path / f"run{step}"
        fill(path, [])
        (path / "fold_metrics.csv").write_text("of the old run")
        done = survives(monkeypatch, step, lambda p=path: replace_run(p))
        if (path / "run.json").exists():
            identity = own(path)
            with RunFolder.open(path, identity, resume=True) as run:
                assert len(run.completed()) in ({0} if identity["seed"] else {0, 2})
        replace_run(path)
        assert names(path) == [".lock", "folds", "run.json"]
        assert own(path)["seed"] == 1
        step += 1
    assert step > 5


def test_a_full_disk_is_an_os_error_and_loses_no_committed_fold(tmp_path):
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_runs import IDENTITY, fold
from cifar_sk.runs.folder import RunFolder
import numpy as np
with RunFolder.open({str(tmp_path / "run")!r}, IDENTITY) as run:
    run.commit(fold(0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        run.commit(fold(1, holdout_proba=np.zeros((10_000, 3))))
    except OSError as error:
        print(error.errno)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == errno.EFBIG
    with RunFolder.open(tmp_path / "run", IDENTITY, resume=True) as run:
        assert list(run.completed()) == [0]
        run.commit(fold(1))
        assert_same(run.completed()[1], fold(1))


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from test_runs import IDENTITY, fold
from cifar_sk.runs.folder import RunFolder
with RunFolder.open(sys.argv[1], IDENTITY, resume=True) as run:
    print("open", flush=True)
    for index in range(100_000):
        if index not in run.completed():
            run.commit(fold(index))
"""


def start_writer(path):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_one_writer_at_a_time_and_kill_9_leaves_whole_folds_and_no_lock(tmp_path):
    path = tmp_path / "run"
    n_before = 0
    for delay in (0.0, 0.11, 0.23):
        with start_writer(path) as writer:
            assert writer.stdout.readline() == "open\n"
            for options in ({}, {"resume": True}, {"overwrite": True}):
                with pytest.raises(InputError, match="Another process is writing"):
                    RunFolder.open(path, IDENTITY, **options)
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        with RunFolder.open(path, IDENTITY, resume=True) as run:
            found = run.completed()
        assert list(found) == list(range(len(found)))
        for index, result in found.items():
            assert_same(result, fold(index))
        assert len(found) >= n_before
        n_before = len(found)
    assert n_before > 0


# --- small parts -----------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, "old é\n".encode())
    assert path.read_bytes() == "old é\n".encode()

    def no_space(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new\n")
    assert path.read_text() == "old é\n"


def test_differences():
    old = {"a": {"b": [1, 2], "c": None}, "d": 1}
    assert differences(old, json.loads(json.dumps(old))) == []
    assert differences(old, {"a": {"b": [1, 3]}, "e": 0}) == [
        "a.b was [1, 2] and is [1, 3]",
        "d was 1 and is None",
        "e was None and is 0",
    ]
    assert differences({"a": {"b": 1}}, {"a": 1}) == ["a was {'b': 1} and is 1"]
