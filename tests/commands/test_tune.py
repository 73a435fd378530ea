"""The tuning command line, on digits, with tiny networks or, where they do not matter, none."""

from __future__ import annotations

import json
import os
import re
import runpy
import sys

import pandas as pd
import pytest
from sqlalchemy.engine import make_url

from cifar_sk import cv, load_dataset, tune
from cifar_sk.runs.fingerprints import image_hashes
from cifar_sk.runs.image_sketch import ImageSketch
from cifar_sk.tuning.storage import choose_storage, close_storage

SMALL = ["--dataset", "digits", "--limit", "240", "--folds", "2", "--quiet", "--threads", "1"]
TINY = ["--model", "ann", *SMALL, "--epochs", "1"]
QUICK = ["--model", "dummy", *SMALL]


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        "classifier__hidden_units = [[4], [8], [16]]\n"
        "classifier__learning_rate = { low = 1e-3, high = 1e-1, log = true }\n"
    )
    return path


@pytest.fixture
def quick_space(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(
        'classifier__strategy = ["constant", "stratified", "uniform"]\n'
        "classifier__constant = { low = 0, high = 9 }\n"
    )
    return path


def run(arguments, results, command=tune):
    """Run a command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        command.main([*map(str, arguments), "--results", str(results)])
    return ended.value.code


def test_a_study_leaves_its_files_and_goes_on(tmp_path, quick_space, capsys):
    arguments = [*QUICK, "--space", quick_space, "--study", "mine", "--holdout", "0.25"]
    arguments += ["--holdout-seeds", "2"]
    assert run([*arguments, "--trials", "2"], tmp_path) == 0
    folder = tmp_path / "studies" / "mine"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert {"trials.csv", "best.json", "study.json", "report.html", "holdout.csv"} <= names
    assert any(name.startswith("figures/") and name.endswith(".png") for name in names)
    said = " ".join(capsys.readouterr().out.split())
    assert "best of 2 trials on the study's own folds, hence optimistic" in said
    assert "tuned − default" in said

    manifest = json.loads((folder / "study.json").read_text())
    identity = manifest["identity"]
    assert identity["data"]["name"] == "digits"
    assert identity["data"]["n_samples"] == 180
    assert identity["data"]["holdout"]["n_samples"] == 60
    assert set(identity["space"]) == {"classifier__strategy", "classifier__constant"}
    assert manifest["versions"]["keras"]
    assert manifest["versions"]["optuna"]
    assert str(tmp_path) not in json.dumps({**manifest, "command": ""})

    bunch = load_dataset("digits", limit=100)
    study = ImageSketch.from_json(json.loads((folder / "best.json").read_text())["images"], "")
    share = study.share_in(image_hashes(bunch.images))
    assert 0 < share < 1
    assert study.n_images == 180  # those held out are not among them
    evaluation = ["--params", folder / "best.json", "--limit", "100", "--dataset", "digits"]
    assert run([*evaluation, "--run", "r", "--folds", "2"], tmp_path, command=cv) == 0
    note = f"180 images, of which about {100 * share:.0f} % are in this run"
    assert note in capsys.readouterr().err
    selected = json.loads((tmp_path / "r" / "run.json").read_text())["selected"]
    assert note in selected

    first = (folder / "trials.csv").read_bytes()
    assert run([*arguments, "--trials", "2"], tmp_path) == 0  # there is nothing left to do
    assert (folder / "trials.csv").read_bytes() == first
    assert run([*arguments, "--trials", "3"], tmp_path) == 0
    table = pd.read_csv(folder / "trials.csv")
    assert list(table["number"]) == [0, 1, 2]
    assert first in (folder / "trials.csv").read_bytes()


@pytest.mark.parametrize("name", ["..", ".", "new/.."])
def test_a_study_needs_a_name_and_touches_no_project(tmp_path, monkeypatch, capsys, name):
    (tmp_path / "results/mine").mkdir(parents=True)
    (tmp_path / "results/mine/precious.csv").write_text("mine")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run([*TINY, "--study", name, "--sampler", "zzz"], "results") == 2
    assert "--study must be a name" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("options", [["--sampler", "zzz"], ["--objective", "acuracy"]])
def test_a_refused_study_leaves_what_was_there(tmp_path, space, options):
    assert run([*TINY, "--study", "mine", *options], tmp_path / "new") == 2
    assert sorted(tmp_path.iterdir()) == [space]
    (tmp_path / "results/studies/mine").mkdir(parents=True)
    (tmp_path / "results/studies/mine/notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert run([*TINY, "--study", "mine", "--overwrite", *options], tmp_path / "results") == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refused_overwrite_leaves_the_study(tmp_path, quick_space):
    arguments = [*QUICK, "--space", quick_space, "--study", "mine", "--trials", "1"]
    assert run(arguments, tmp_path) == 0
    trials = (tmp_path / "studies/mine/trials.csv").read_bytes()
    assert run([*arguments, "--overwrite", "--sampler", "zzz"], tmp_path) == 2
    assert run(arguments, tmp_path) == 0  # there is nothing left to do
    assert (tmp_path / "studies/mine/trials.csv").read_bytes() == trials


def test_another_space_and_another_data_set_are_refused_by_name(tmp_path, quick_space, capsys):
    arguments = [*QUICK, "--study", "mine", "--trials", "1"]
    assert run([*arguments, "--space", quick_space], tmp_path) == 0
    trials = (tmp_path / "studies" / "mine" / "trials.csv").read_bytes()
    quick_space.write_text('classifier__strategy = ["stratified", "uniform"]\n')
    assert run([*arguments, "--space", quick_space], tmp_path) == 2
    error = capsys.readouterr().err
    assert "space.classifier__constant was" in error
    assert error.count("\n") == 1
    assert run([*arguments, "--space", quick_space, "--limit", "200"], tmp_path) == 2
    assert "data.n_samples was 240 and is 200" in capsys.readouterr().err
    assert (tmp_path / "studies" / "mine" / "trials.csv").read_bytes() == trials
    assert run([*arguments, "--space", quick_space, "--overwrite"], tmp_path) == 0
    assert (tmp_path / "studies" / "mine" / "trials.csv").read_bytes() != trials


def test_the_best_parameters_can_be_evaluated(tmp_path):
    space, policy = tmp_path / "space.toml", tmp_path / "policy.toml"
    space.write_text("classifier__constant = [[3], [5]]\n")
    policy.write_text('randomflip = ["passthrough", "flip"]\nrandomcrop = ["crop:1", "crop:2"]\n')
    arguments = [*QUICK, "--space", space, "--space", policy, "--study", "mine", "--trials", "2"]
    assert run([*arguments, "--set", "classifier__strategy=constant"], tmp_path) == 0
    best = tmp_path / "studies" / "mine" / "best.json"
    content = json.loads(best.read_text())
    assert content["model"] == "dummy"
    assert content["augment"] == "flip,crop:1"
    assert content["params"]["classifier__strategy"] == "constant"
    assert content["params"]["classifier__constant"] in ([3], [5])
    evaluate = ["--params", best, "--dataset", "digits", "--limit", "240", "--folds", "2"]
    assert run([*evaluate, "--quiet", "--run", "best"], tmp_path, cv) == 0
    described = json.loads((tmp_path / "best" / "run.json").read_text())["identity"]["pipeline"]
    constant = described["params"]["classifier__constant"]
    assert constant == content["params"]["classifier__constant"]
    step = {"crop:1": 1, "crop:2": 2}[content["params"]["randomcrop"]]
    assert described["params"]["randomcrop__padding"] == step


def test_nested_is_a_run_like_any_other(tmp_path, quick_space):
    arguments = [
        *QUICK,
        "--space",
        quick_space,
        "--trials",
        "2",
        "--nested",
        "2",
        "--study",
        "nested",
    ]
    assert run(arguments, tmp_path) == 0
    folder = tmp_path / "nested"
    folds = pd.read_csv(folder / "fold_metrics.csv").set_index("row")
    assert folds["accuracy"].notna().sum() >= 2
    won = pd.read_csv(folder / "best_params.csv").set_index("row")
    assert list(won.index) == ["fold_00", "fold_01"]
    assert set(won["classifier__strategy"]) <= {"constant", "stratified", "uniform"}
    assert "parameters that won" in (folder / "report.html").read_text()
    before = (folder / "oof_predictions.csv").read_bytes()
    assert run(arguments, tmp_path) == 0  # continued, which is nothing to do
    assert (folder / "oof_predictions.csv").read_bytes() == before


def test_two_objectives_leave_a_front(tmp_path):
    space = tmp_path / "sizes.toml"
    space.write_text("classifier__hidden_units = [[2], [8]]\n")
    arguments = [*TINY, "--space", space, "--study", "two", "--sampler", "grid", "--trials", "2"]
    arguments += ["--objective", "accuracy", "--objective", "n_parameters"]
    assert run(arguments, tmp_path) == 0
    folder = tmp_path / "studies" / "two"
    front = pd.read_csv(folder / "pareto.csv")
    assert 1 <= len(front) <= 2
    assert {"accuracy", "n_parameters"} <= set(front.columns)
    best = json.loads((folder / "best.json").read_text())
    assert best["params"]["classifier__epochs"] == 1
    assert best["params"]["classifier__hidden_units"] in ([2], [8])


def test_two_workers(tmp_path, space):
    arguments = [*TINY, "--space", space, "--study", "two", "--trials", "2", "--workers", "2"]
    assert run(arguments, tmp_path) == 0
    folder = tmp_path / "studies" / "two"
    assert len(pd.read_csv(folder / "trials.csv")) == 2
    storage = choose_storage(None, folder).open()
    assert storage.get_all_studies()[0].study_name == "two"
    close_storage(storage)


def test_a_server_serves_a_study_and_its_password_is_nowhere(
    tmp_path, quick_space, postgresql_url, capsys
):
    arguments = [*QUICK, "--space", quick_space, "--study", "mine", "--storage", postgresql_url]
    assert run([*arguments, "--trials", "1"], tmp_path) == 0
    folder = tmp_path / "studies" / "mine"
    assert len(pd.read_csv(folder / "trials.csv")) == 1
    password = make_url(postgresql_url).password
    assert password
    for file in folder.rglob("*"):
        assert file.is_dir() or password.encode() not in file.read_bytes(), file
    assert ":***@" in (folder / "study.json").read_text()
    assert password not in capsys.readouterr().out


def test_show_space(capsys, tmp_path):
    assert run(["--model", "cnn", "--show-space"], tmp_path) == 0
    text = capsys.readouterr().out
    assert "classifier__learning_rate = { low = " in text
    copy = tmp_path / "copy.toml"
    copy.write_text(text)
    assert run(["--space", copy, "--show-space"], tmp_path) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--space", "cmn"], r"no space 'cmn'.* did you mean 'cnn'"),
        (["--space", "none.toml"], "none.toml"),
        (["--model", "dummy"], "no space for 'dummy'|has no network"),
        (["--sampler", "grid"], "grid needs"),
        (["--sampler", "tpee"], "no sampler 'tpee'"),
        (["--pruner", "fould"], "no pruner 'fould'"),
        (["--objective", "acuracy"], "no objective 'acuracy'"),
        (["--storage", "mysql://a/b"], "--storage must be"),
        (["--workers", "2", "--storage", "sqlite:///a.db"], "one process"),
        (["--set", "classifier__dropout=0.1"], "cannot be both set and tuned"),
        (["--set", "classifier__dropuot=0.1"], "did you mean"),
        (["--nested", "2", "--workers", "2"], "--nested runs its outer folds"),
        (["--nested", "2", "--objective", "accuracy", "--objective", "f1_macro"], "one objective"),
        (["--trials", "0"], "trials"),
        (["--holdout", "0.99"], "holdout"),
    ],
)
def test_input_that_cannot_be_used_is_one_sentence(tmp_path, capsys, arguments, pattern):
    tiny = [argument for argument in TINY if argument != "--quiet"]
    if "--model" in arguments:
        tiny = tiny[2:]
    assert run([*tiny, *arguments], tmp_path / "results") == 2
    error = capsys.readouterr().err
    assert re.search(pattern, error)
    assert error.count("\n") == 1
    assert not list((tmp_path / "results").rglob("*.*"))


@pytest.fixture
def _one_processor():
    """Let folds run one after another in this process, which has TensorFlow already."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    yield
    os.sched_setaffinity(0, processors)


STUDIES = ["ann", "cnn", "augmentation", "nested_cnn"]


@pytest.mark.usefixtures("_one_processor")
@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "nested_cnn",  # which has the space of studies.cnn
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("cnn", "augmentation")),
    ],
)
def test_shipped_studies_run(tmp_path, monkeypatch, name):
    arguments = ["--dataset", "digits", "--limit", "400", "--trials", "1", "--folds", "2"]
    arguments += ["--epochs", "1", "--seed", "1", "--quiet", "--results", str(tmp_path)]
    arguments += ["--threads", "1", "--set", "classifier__n_iter_no_change=3"]
    arguments += ["--nested", "2"] if "nested" in name else ["--holdout", "0"]
    monkeypatch.delitem(sys.modules, f"studies.{name}", raising=False)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"studies.{name}", run_name="__main__")
    assert ended.value.code == 0
    (table,) = tmp_path.rglob("best_params.csv" if "nested" in name else "trials.csv")
    if "nested" in name:  # lists are written as JSON
        widths = pd.read_csv(table)["classifier__widths"]
        assert all(isinstance(json.loads(text), list) for text in widths)


@pytest.mark.parametrize("name", STUDIES)
def test_studies_have_the_options_of_the_command_line(name, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, f"studies.{name}", raising=False)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"studies.{name}", run_name="__main__")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in ("trials", "folds", "epochs", "dataset", "limit", "storage", "workers", "seed"):
        assert f"--{option}" in text
