import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import slow_run
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, confusion_matrix

from cifar_sk import cv
from cifar_sk.datasets import load_dataset
from cifar_sk.runs.folder import read_manifest

# Of three classes, because most of a small run's time goes into figures by class.
DATA = Path(tempfile.gettempdir(), f"cifar_sk-{os.getpid()}", "tiny.npz")
TINY = ["--dataset", str(DATA)]
DIGITS = ["--dataset", "digits", "--limit", "200"]
LOGISTIC = ["--model", "logistic", *TINY, "--folds", "4", "--repeats", "2", "--jobs", "1"]
ANN = ["--model", "ann", *TINY, "--epochs", "4", "--batch-size", "8", "--threads", "1"]
ANN += ["--folds", "4", "--set", "classifier__hidden_units=(8,)"]


@pytest.fixture(scope="module", autouse=True)
def _tiny_data():
    """200 digits from 0 to 2, as 8×8 images."""
    digits = load_digits(n_class=3)
    images = (digits.images[:200, ..., np.newaxis] * 15).astype(np.uint8)
    DATA.parent.mkdir()
    np.savez(DATA, images=images, labels=digits.target[:200])
    yield
    shutil.rmtree(DATA.parent)


def run(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as stop:
        cv.main([str(argument) for argument in arguments])
    return stop.value.code


def _heed_ctrl_c():
    # Where the tests themselves run in the background, Ctrl-C is ignored, and inherited so.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments, command=("-m", "cifar_sk.cv"), preexec_fn=_heed_ctrl_c):
    """Start the command as a process of its own, alone in its process group."""
    return subprocess.Popen(
        [sys.executable, *map(str, command), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=preexec_fn,  # noqa: PLW1509  (no threads here yet)
    )


def wait_for_folds(path, n_folds, process):
    while len(finished(path)) < n_folds:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)


def finished(path):
    return sorted(folder.name for folder in (path / "folds").glob("[0-9]*"))


def tables(path):
    """All tables of a run as bytes, but for times."""
    found = {f.name: f.read_bytes() for f in path.glob("*.csv") if f.name != "times.csv"}
    found["classification_report.txt"] = (path / "classification_report.txt").read_bytes()
    return found


def test_a_run_folder_is_complete_and_consistent(tmp_path, capsys):
    assert run("--model", "logistic", *DIGITS, "--results", tmp_path) == 0
    path = tmp_path / "logistic-digits"
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "fold 5/5 done" in printed.out
    assert str(path) in printed.out
    bunch = load_dataset("digits", limit=200)
    manifest = read_manifest(path)
    assert manifest.data.fingerprint == bunch.fingerprint
    assert manifest.pipeline["steps"] == {"classifier": "Pipeline"}
    assert (manifest.status, manifest.failed) == ("complete", {})

    oof = pd.read_csv(path / "oof_predictions.csv", dtype={"true": str, "predicted": str})
    assert oof["sample"].tolist() == list(range(200))
    assert oof["true"].tolist() == [bunch.target_names[k] for k in bunch.target]
    pooled = pd.read_csv(path / "confusion_matrix.csv", index_col=0).to_numpy()
    assert np.array_equal(pooled, confusion_matrix(oof["true"], oof["predicted"]))

    folds = pd.read_csv(path / "fold_metrics.csv", index_col="row")
    fit_times = []
    for index in range(5):
        part = oof[oof["fold"] == index]
        row = folds.loc[f"fold_{index:02d}"]
        assert row["n_test"] == len(part) == 40
        assert row["accuracy"] == pytest.approx(accuracy_score(part["true"], part["predicted"]))
        with np.load(path / f"folds/{index:02d}/predictions.npz", allow_pickle=False) as arrays:
            assert np.array_equal(arrays["index"], part["sample"])
            assert np.array_equal(arrays["proba"], part.to_numpy()[:, -10:].astype(float))
        metrics = json.loads((path / f"folds/{index:02d}/metrics.json").read_text())
        assert metrics["scores"]["accuracy"] == pytest.approx(row["accuracy"])
        matrix = pd.read_csv(path / f"confusion_matrix_fold_{index:02d}.csv", index_col=0)
        assert matrix.to_numpy().sum() == 40
        fit_times.append(metrics["fit_time"])
    assert folds.loc["mean", "accuracy"] == pytest.approx(
        folds["accuracy"].iloc[:5].astype(float).mean()
    )
    assert manifest.timings["fit_time"] == pytest.approx(sum(fit_times))
    for name in ("class_metrics.csv", "classification_report.txt", "report.html"):
        assert (path / name).stat().st_size > 0
    assert list((path / "figures").glob("*.png"))
    assert not [file for file in path.rglob("*") if file.name.endswith(".tmp")]


def test_the_command_is_recorded_as_it_was_given(tmp_path):
    arguments = [
        "--model",
        "dummy",
        *TINY,
        "--folds",
        "2",
        "--run",
        "a b",
        "--results",
        str(tmp_path),
    ]
    assert run(*arguments, "--jobs", "1", "--quiet") == 0
    recorded = shlex.split(read_manifest(tmp_path / "a b").command)
    assert recorded == ["python", "-m", "cifar_sk.cv", *arguments, "--jobs", "1", "--quiet"]


def test_quiet_shows_no_progress(tmp_path, capsys):
    options = ["--folds", 2, "--jobs", 1, "--quiet", "--results", tmp_path]
    assert run("--model", "dummy", *TINY, *options) == 0
    printed = capsys.readouterr()
    assert "fold 1/2" not in printed.out
    assert "mean ± std" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "dummy-tiny"),
        (["--augment", "flip, translate:0.1/0.2"], "dummy-flip+translate0.1x0.2-tiny"),
        (["--resample", "oversample"], "dummy-oversample-tiny"),
        (["--run", "mine"], "mine"),
    ],
)
def test_names_of_runs(tmp_path, options, name):
    options = [*options, "--jobs", "1", "--folds", "2", "--results", tmp_path]
    assert run("--model", "dummy", *TINY, *options) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_run_may_be_a_path(tmp_path):
    options = ["--run", tmp_path / "a/b", "--results", tmp_path / "unused"]
    assert run("--model", "dummy", *TINY, "--jobs", 1, "--folds", "2", *options) == 0
    assert (tmp_path / "a/b/run.json").exists()
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "lgistic"], "no model 'lgistic'; did you mean 'logistic'"),
        (["--bogus"], "No such option: --bogus"),
        (["extra"], "unexpected extra argument"),
        (["--dataset", "digitz"], "did you mean 'digits'"),
        (["--dataset", "corrupt.npz"], "'corrupt.npz' cannot be read"),
        (["--augment", "flap"], "did you mean 'flip'"),
        (["--resample", "smte"], "did you mean 'smote'"),
        (["--set", "classifier__strateg=prior"], "did you mean 'classifier__strategy'"),
        (["--set", "classifier__strategy=foo"], "'strategy' parameter"),
        (["--set", "classifier"], "step__param=value"),
        (["--epochs", "3"], "no parameter 'classifier__epochs'"),
        (["--params", "none.json"], "'none.json' cannot be read"),
        (["--run", "x" * 300], "--run must hold names of at most 255 bytes"),
        (["--run", "x" * 300 + "/y"], "--run must hold names of at most 255 bytes"),
        (["--run", "/proc/x"], "/proc/x cannot be made"),
        (["--groups", "none.csv"], "'none.csv' cannot be read"),
        (["--limit", "2"], "got 2"),
        (["--limit", "0"], "--limit"),
        (["--folds", "1"], "--folds"),
        (["--folds", "0"], "--folds"),
        (["--folds", "100"], "fewer than 100 folds"),
        (["--repeats", "0"], "--repeats"),
        (["--seed", "-1"], "--seed"),
        (["--jobs", "x"], "--jobs must be a number from 1, or auto; got 'x'"),
        (["--jobs", "0"], "--jobs must be a number"),
        (["--jobs", "²"], "--jobs must be a number"),
        (["--threads", "0"], "--threads"),
        (["--test-split"], "no official test split"),
        (["--save-models"], "no save method"),
        (["--resume", "--overwrite"], "either resumed or overwritten"),
        (["--run", "corrupt.npz", "--results", "."], "is a file"),
        (["--results", "corrupt.npz"], "cannot be made"),
    ],
)
def test_unusable_input_is_one_sentence_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corrupt.npz").write_bytes(b"PK\x03\x04 broken")
    assert run("--model", "dummy", *TINY, "--jobs", "1", *arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [tmp_path / "corrupt.npz"]
    assert list((tmp_path / "results").glob("*")) == []


REFUSED_BY_A_FOLD = ["--model", "ann", "--dataset", "digits", "--limit", "60", "--folds", "2"]
REFUSED_BY_A_FOLD += ["--epochs", "1", "--jobs", "1", "--set", "classifier__hidden_units=(4,)"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Somebody's project, with the command started in a folder of it."""
    (tmp_path / "p/src").mkdir(parents=True)
    (tmp_path / "p/thesis.tex").write_text("precious")
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


@pytest.mark.parametrize(
    "names",
    [
        *(["--run", name] for name in ("..", ".", "", "/", "new/..", "./.", "../../p/..")),
        ["--results", "new", "--run", ".."],
        ["--results", ".", "--run", "."],
        ["--results", "new/..", "--run", "."],
    ],
)
def test_what_is_no_name_is_refused_and_no_project_is_touched(project, capsys, names):
    assert run("--model", "dummy", *TINY, "--jobs", 1, "--folds", "2", *names) == 2
    assert "--run must be a name such as run1, or a path that ends in a name" in (
        capsys.readouterr().err
    )
    assert (project / "thesis.tex").read_text() == "precious"
    assert sorted(entry.name for entry in project.iterdir()) == ["src", "thesis.tex"]


@pytest.mark.parametrize(
    "names",
    [
        ["--run", "new/../mine"],
        ["--results", "new/..", "--run", "mine"],
        ["--run", "src/mine"],
        ["--run", "src/"],
        ["--results", "src/../other/results"],
    ],
)
def test_a_refused_run_leaves_what_was_there(project, names):
    assert run(*REFUSED_BY_A_FOLD, *names) == 2
    assert sorted(entry.name for entry in project.rglob("*")) == ["src", "thesis.tex"]


def test_overwrite_replaces_one_run_and_no_other_and_no_file_of_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--model", "dummy", *TINY, "--jobs", "1", "--folds", "2", "--results", "."]
    assert run(*arguments, "--run", "results") == 0
    # As an older version has left it, which took "." for a name.
    assert run(*arguments, "--run", "results/second") == 0
    for name in ("notes.txt", "figures/mine.png", "folds/notes.txt"):
        (tmp_path / "results" / name).write_text("mine")
    second = tables(tmp_path / "results/second")
    assert run(*arguments, "--seed", "1", "--run", "results", "--overwrite") == 0
    assert tables(tmp_path / "results/second") == second
    for name in ("notes.txt", "figures/mine.png", "folds/notes.txt"):
        assert (tmp_path / "results" / name).read_text() == "mine"
    assert read_manifest("results").seed == 1


def test_a_refused_overwrite_leaves_the_old_run(tmp_path):
    arguments = ["--model", "dummy", *TINY, "--jobs", "1", "--folds", "2", "--results", tmp_path]
    assert run(*arguments, "--run", "r") == 0
    refused = [*REFUSED_BY_A_FOLD, "--results", tmp_path]
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert run(*refused, "--run", "r", "--overwrite") == 2
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_run_is_neither_continued_nor_replaced_unless_asked(tmp_path, capsys):
    arguments = ["--model", "dummy", *TINY, "--jobs", "1", "--folds", "2", "--results", tmp_path]
    assert run(*arguments) == 0
    before = tables(tmp_path / "dummy-tiny")
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "continue it with --resume" in capsys.readouterr().err
    assert run(*arguments, "--resume", "--seed", "1") == 2
    assert "seed was 0 and is 1" in capsys.readouterr().err
    assert tables(tmp_path / "dummy-tiny") == before
    assert run(*arguments, "--resume") == 0
    assert "2 of 2 folds were finished before" in capsys.readouterr().out
    assert tables(tmp_path / "dummy-tiny") == before
    assert run(*arguments, "--overwrite", "--seed", "1") == 0
    assert tables(tmp_path / "dummy-tiny") != before


def test_kill_9_and_resume_give_the_tables_of_an_unbroken_run(tmp_path):
    assert run(*LOGISTIC, "--results", tmp_path, "--run", "whole") == 0
    with start(*LOGISTIC, "--results", tmp_path, "--run", "killed") as process:
        wait_for_folds(tmp_path / "killed", 3, process)
        process.kill()
    assert 3 <= len(finished(tmp_path / "killed")) < 8
    assert run(*LOGISTIC, "--results", tmp_path, "--run", "killed", "--resume") == 0
    assert tables(tmp_path / "killed") == tables(tmp_path / "whole")


def test_jobs_do_not_change_the_tables(tmp_path):
    for jobs in ("1", "2"):
        arguments = ["--model", "logistic", *TINY, "--folds", "2", "--threads", "1"]
        arguments += ["--jobs", jobs]
        assert run(*arguments, "--results", tmp_path, "--run", jobs) == 0
    assert tables(tmp_path / "1") == tables(tmp_path / "2")


def processes_of(session):
    """Processes of a session, as (id, state), but for those that are dead and not yet reaped."""
    found = subprocess.run(
        ["ps", "-e", "-o", "sess=,pid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in found.stdout.splitlines()]
    return [row for row in rows if row[0] == str(session) and not row[2].startswith("Z")]


def test_ctrl_c_with_two_workers_then_resume_with_none(tmp_path):
    shutil.copy(DATA, tmp_path)
    with start(tmp_path / "broken", 2, command=[slow_run.__file__]) as process:
        wait_for_folds(tmp_path / "broken", 1, process)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "error: interrupted\n"
    n_done = len(finished(tmp_path / "broken"))
    assert 1 <= n_done < 4
    assert "epoch 1/4" in out
    table = pd.read_csv(tmp_path / "broken/fold_metrics.csv")
    assert f"{n_done} of 4 folds" in table["basis"].iloc[-1]
    assert read_manifest(tmp_path / "broken").status == "interrupted"
    time.sleep(0.5)
    assert processes_of(process.pid) == []
    assert slow_run.run(tmp_path / "broken", 1, resume=True) == 0
    assert slow_run.run(tmp_path / "whole", 1) == 0
    assert tables(tmp_path / "broken") == tables(tmp_path / "whole")
    assert read_manifest(tmp_path / "broken").status == "complete"


def test_sigterm_with_one_job(tmp_path):
    with start(*LOGISTIC, "--results", tmp_path, "--run", "r") as process:
        wait_for_folds(tmp_path / "r", 2, process)
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert err == "error: interrupted\n"
    assert read_manifest(tmp_path / "r").status == "interrupted"
    assert (tmp_path / "r/report.html").exists()


def test_a_fold_that_fails_is_reported_and_tried_again(tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (36, 8, 8, 3), dtype=np.uint8)
    # Of the 6 samples of class 1 one fold trains on 4, the others on 5, which are asked for.
    np.savez(tmp_path / "rare.npz", images=images, labels=np.repeat([0, 1], [30, 6]))
    arguments = ["--model", "dummy", "--dataset", tmp_path / "rare.npz", "--jobs", "1"]
    arguments += ["--resample", "undersample", "--results", tmp_path, "--run", "r"]
    arguments += ["--set", "imageresampler__sampler__sampling_strategy={1: 5}"]
    assert run(*arguments) == 1
    printed = " ".join(capsys.readouterr().out.split())
    table = pd.read_csv(tmp_path / "r/fold_metrics.csv")
    (failed,) = np.flatnonzero(table["error"].notna())
    reason = table["error"][failed]
    assert "ValueError: With under-sampling methods" in reason
    assert f"fold {failed + 1} failed: {reason}" in printed
    assert "4 of 5 folds" in table["basis"].iloc[-1]
    assert "4 of 5 folds" in (tmp_path / "r/report.html").read_text()
    assert read_manifest(tmp_path / "r").failed == {str(failed): reason}
    assert len(finished(tmp_path / "r")) == 4
    assert run(*arguments, "--resume") == 1
    printed = capsys.readouterr().out
    assert "4 of 5 folds were finished before" in printed
    assert f"fold {failed + 1}/5 failed" in printed


def test_all_folds_that_fail(tmp_path, capsys):
    arguments = [*ANN, "--jobs", "1", "--learning-rate", "1e38", "--results", tmp_path]
    assert run(*arguments) == 1
    assert "lower learning_rate" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "ann-tiny/fold_metrics.csv")
    assert table["error"].notna().sum() == 4


def test_the_official_test_split_is_scored(tmp_path):
    digits = load_dataset("digits", limit=150)
    np.savez(
        tmp_path / "d.npz",
        x_train=digits.images[:100],
        y_train=digits.target[:100],
        x_test=digits.images[100:],
        y_test=digits.target[100:],
    )
    arguments = ["--model", "logistic", "--dataset", tmp_path / "d.npz", "--folds", "2"]
    assert run(*arguments, "--jobs", 1, "--test-split", "--results", tmp_path, "--run", "r") == 0
    table = pd.read_csv(tmp_path / "r/fold_metrics.csv", index_col="row")
    assert table.loc["mean", "test_split_accuracy"] > 0.5
    assert read_manifest(tmp_path / "r").test_split.n_samples == 50
    assert run(*arguments, "--jobs", 1, "--resume", "--results", tmp_path, "--run", "r") == 2


def _little_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, 25_000))


def test_a_full_disk_is_said_and_keeps_what_is_finished(tmp_path):
    """Predictions of 1,797 digits in two folds are larger than a file may be here."""
    arguments = ["--model", "logistic", "--dataset", "digits", "--folds", "2", "--jobs", "1"]
    arguments += ["--results", tmp_path, "--run", "r"]
    with start(*arguments, preexec_fn=_little_disk) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "File too large" in err
    assert err.startswith("error: ")
    assert err.endswith("what was finished before is kept\n")
    assert err.count("\n") == 1
    assert run(*arguments, "--resume") == 0
