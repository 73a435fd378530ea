"""Adding repeats to a run by the command that its folder notes."""

import json
import shlex
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from cifar_sk import InputError, RunFolder, cross_validate_oof, cv, load_dataset
from cifar_sk.cv import extend_run
from cifar_sk.metrics import METRICS
from cifar_sk.pipelines.models import make_model
from cifar_sk.runs.folder import read_manifest
from cifar_sk.runs.manifest_file import write_manifest_file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a run as the command makes it, but for its tables and figures."""
    digits = load_digits(n_class=2)
    images = (digits.images[:40, ..., np.newaxis] * 15).astype(np.uint8)
    folder = tmp_path_factory.mktemp("made")
    np.savez(folder / "tiny.npz", images=images, labels=digits.target[:40])
    bunch = load_dataset(folder / "tiny.npz")
    command = f"python -m cifar_sk.cv --model dummy --dataset {folder / 'tiny.npz'} --folds 2"
    with RunFolder.open(folder / "run", data=bunch, info={"command": command}) as run:
        options = {"cv": 2, "class_names": bunch.target_names, "n_threads": 1, "store": run}
        cross_validate_oof(make_model("dummy"), bunch.images, bunch.target, **options)
    return folder / "run"


def noting(path, command):
    """Have a run's folder say that it was made by a command, as a stranger could."""
    content = json.loads((path / "run.json").read_text())
    content.pop("sha256", None)
    write_manifest_file(path / "run.json", {**content, "command": command})


@pytest.fixture
def copied(made, tmp_path, monkeypatch):
    """Return a run, and its command, in a folder with a module that must not be run."""
    shutil.copytree(made, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stranger.py").write_text("import pathlib\npathlib.Path('ran').touch()\nf = print")
    yield tmp_path / "run", read_manifest(made).command
    sys.modules.pop("stranger", None)


@pytest.mark.parametrize(
    "words",
    [
        "--model stranger:f",
        "--metric stranger:f",
        "--figure stranger:f",
        "--dataset stranger:f",
        "--engine stranger:f",
        "--augment flip,stranger:f",
        "--set classifier__network=stranger:f",
    ],
)
def test_a_file_never_names_code_that_runs(copied, words):
    path, command = copied
    noting(path, f"{command} {words}")
    with pytest.raises(InputError, match="'stranger:f' is named by a file only"):
        extend_run(path, 3)
    assert not (path.parent / "ran").exists()
    assert "stranger" not in sys.modules


def test_code_that_the_caller_names_is_run(copied):
    path, command = copied
    noting(path, f"{command} --metric stranger:f --folds 100")
    with pytest.raises(InputError, match="fewer than 100 folds"):
        extend_run(path, 3, import_paths=["stranger:f"])
    METRICS.remove("stranger:f")
    assert (path.parent / "ran").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (None, "was made by no command"),
        ("python -m studies.cnn --jobs 2", "was made by 'python -m studies.cnn"),
        ("python -m cifar_sk.cv --unknown 3", "is not one of cifar_sk.cv"),
        ("python -m cifar_sk.cv stray", r"is not one of cifar_sk.cv \(stray\)"),
        ("python -m cifar_sk.cv 'open", "was made by"),
        ("python -m cifar_sk.cv --folds two", "cannot be added to: Invalid value for '--folds'"),
    ],
)
def test_commands_that_cannot_be_run_again(copied, command, message):
    path, _ = copied
    noting(path, command)
    with pytest.raises(InputError, match=message):
        extend_run(path, 3)


def test_a_run_is_added_to_by_its_own_command_where_it_lies(copied, capsys):
    path, command = copied
    noting(path, f"{command} --run {path.parent / 'elsewhere'} --overwrite --results {path}")
    capsys.readouterr()
    run = extend_run(path, n_seeds=2)
    assert capsys.readouterr().out == ""
    assert not (path.parent / "elsewhere").exists()
    assert (run.result.n_repeats, run.result.n_seeds, len(run.result.folds)) == (1, 2, 4)
    assert [(stage.n_repeats, stage.n_seeds) for stage in run.manifest.stages] == [(1, 1)]
    assert pd.read_csv(path / "fold_metrics.csv")["seed"].dropna().tolist() == [0, 0, 1, 1]
    words = shlex.split(run.manifest.command)  # are those of a run that can be added to
    assert {"--seeds=2", "--resume", f"--run={path}", "--model=dummy"} <= {*words}
    with pytest.raises(InputError, match="neither can be taken away"):
        extend_run(path, n_seeds=1)
    with pytest.raises(SystemExit):  # by hand
        cv.main([*shlex.split(command)[3:], f"--run={path}", "--resume"])
    assert (
        "has 1 × 2 folds, 2 seeds and cannot be resumed with 1 × 2 folds"
        in capsys.readouterr().err
    )
