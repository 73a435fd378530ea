"""Every byte of a finished run is checked where it is read; a damaged fold is fitted again."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import as_of_an_older_version
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold

from cifar_sk import InputError, RunFolder, cross_validate_oof
from cifar_sk.runs.fold_files import read_fold
from cifar_sk.runs.reading import read_run


class Saveable(DummyClassifier):
    """Predicts shares of the classes, and saves them."""

    def fit(self, X, y):
        self.history_ = {"loss": [X.mean(), 0.1]}
        return super().fit(X, y)

    def save(self, path):
        Path(path, "deep").mkdir()
        Path(path, "deep/model.txt").write_text(str(self.class_prior_))


X, Y = np.arange(60.0)[:, None], np.arange(60) % 3


def evaluate(path, strategy="stratified", **options):
    estimator = Saveable(strategy=strategy)
    options = {"holdout": (X[:9], Y[:9]), "save_models": True, **options}
    return cross_validate_oof(estimator, X, Y, cv=StratifiedKFold(3), store=path, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "run"
    return path, evaluate(path)


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    return tmp_path / "run"


CHECKED = (
    *("run.json", "target.npy", "test_target.npy", "folds/01/files.json"),
    *(f"folds/01/{name}" for name in ("metrics.json", "history.csv", "predictions.npz")),
)


def assert_same_predictions(result, expected):
    np.testing.assert_array_equal(result.oof_proba, expected.oof_proba)
    for fold, other in zip(result.folds, expected.folds, strict=True):
        np.testing.assert_array_equal(fold.holdout_proba, other.holdout_proba)
        assert (fold.index, fold.repeat, fold.n_train) == (
            other.index,
            other.repeat,
            other.n_train,
        )


def read_or_refused(read, path):
    try:
        return read(path), ""
    except InputError as error:
        return None, str(error)


@settings(max_examples=120)
@given(data=st.data(), name=st.sampled_from(CHECKED))
def test_a_changed_byte_or_a_cut_file_is_noticed_or_harmless(finished, data, name):
    path, expected = finished
    content = (path / name).read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        changed = content[:at]
    else:
        flip = 1 << data.draw(st.integers(0, 7))
        changed = content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]
    try:
        (path / name).write_bytes(changed)
        found, refused = read_or_refused(read_run, path)
    finally:
        (path / name).write_bytes(content)
    if found is None:
        assert "\n" not in refused
        return
    # Only what nobody reads may change: white space of JSON, and null under another name.
    assert name in {"run.json", "folds/01/files.json"}
    assert_same_predictions(found.result, expected)


@pytest.mark.parametrize(
    "name", ["metrics.json", "history.csv", "predictions.npz", "files.json", "deep/model.txt"]
)
@pytest.mark.parametrize("how", ["emptied", "removed", "of another fold"])
def test_a_damaged_fold_is_set_aside_and_fitted_again(run, finished, name, how):
    file = run / "folds/01" / name
    file.unlink()
    if how == "emptied":
        file.touch()
    elif how == "of another fold":
        shutil.copy(run / "folds/02" / name, file)
        if name == "deep/model.txt":
            file.write_text("[0.3 0.3 0.4]")
    with pytest.warns(UserWarning, match=r"; the fold is fitted again, .* 01\.damaged now"):
        result = evaluate(run)
    assert_same_predictions(result, finished[1])
    assert_same_predictions(read_run(run).result, finished[1])
    assert (run / "folds/01.damaged").is_dir()
    assert len(result.folds) == 3


def test_readers_need_no_models_but_explaining_says_what_helps(run):
    (run / "folds/01/deep/model.txt").unlink()
    finished = read_run(run)  # as where people delete models to save space
    with pytest.raises(InputError, match=r"model\.txt is missing; .*--resume"):
        finished.model_folder(1)


def test_a_fold_of_another_run_is_noticed(run, tmp_path):
    evaluate(tmp_path / "other", strategy="prior")
    shutil.rmtree(run / "folds/01")
    shutil.copytree(tmp_path / "other/folds/01", run / "folds/01")
    with pytest.raises(InputError, match=r"folds/01 is a fold of another run; fit the fold"):
        read_run(run)


@pytest.mark.parametrize("stray", ["00.bak/", "0.txt", "0/", "000/", "07", ".DS_Store", "a/"])
def test_what_lies_beside_the_folds_is_not_read(run, finished, stray):
    path = run / "folds" / stray
    path.mkdir() if stray.endswith("/") else path.write_text("mine")
    assert_same_predictions(read_run(run).result, finished[1])
    assert_same_predictions(evaluate(run), finished[1])
    assert path.exists()


def test_a_run_of_an_older_version_is_continued_and_checked_from_then_on(run, finished):
    as_of_an_older_version(run)
    shutil.rmtree(run / "folds/02")
    assert_same_predictions(evaluate(run), finished[1])
    assert len([*run.glob("folds/*/files.json")]) == 3
    (run / "folds/00/history.csv").write_text("epoch,loss\n")
    with pytest.raises(InputError, match=r"00/history\.csv is damaged"):
        read_run(run)


MISTAKES = {
    "identity": 3,
    "identity.data": [],
    "identity.data.n_samples": "many",
    "identity.split.n_folds": "3",
    "identity.split.n_repeats": 0,
    "identity.pipeline": "cnn",
    "identity.seed": [1],
    "class_names": "abc",
    "class_names.1": 7,
    "image_shape": [2.5],
    "notes": 1,
    "failed": ["x"],
    "timings": {"fit_time": "long"},
}


@pytest.mark.parametrize("field", MISTAKES)
def test_a_manifest_is_read_by_its_schema(run, field):
    as_of_an_older_version(run)  # for a checksum would hide it
    manifest = json.loads((run / "run.json").read_text())
    *parents, last = field.split(".")
    part = manifest
    for name in parents:
        part = part[name]
    part[int(last) if isinstance(part, list) else last] = MISTAKES[field]
    (run / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=rf"run\.json cannot be used: {field}"):
        read_run(run)
    with pytest.raises(InputError, match=rf"run\.json cannot be used: {field}"):
        evaluate(run)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "", "\xff", "NaN", '"x"'])
def test_a_manifest_that_is_none_is_a_sentence(run, text):
    (run / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"run\.json") as error:
        read_run(run)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("name", ["run.json", "folds/01/files.json", "folds/01/predictions.npz"])
@pytest.mark.parametrize("how", ["pipe", "huge"])
def test_a_file_without_an_end_is_not_read(run, name, how):
    file = run / name
    if how == "pipe":
        file.unlink()
        os.mkfifo(file)
    else:
        os.truncate(file, 10**12)  # of holes
    with pytest.raises(InputError, match=Path(name).name):
        read_run(run)


def damaged(path):
    """Yield ways in which a file of a fold may be broken."""
    content = path.read_bytes()
    yield from (b"", content[: len(content) // 2], b"[]", b'"text"', b"\xff\xfe\x00")
    for at in range(0, len(content), max(1, len(content) // 40)):
        yield content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]
    if path.suffix == ".csv":
        yield from (b"loss\n1\n", b"epoch,loss\n1\n", b"epoch,loss\n1,x\n")


@pytest.mark.parametrize("name", ["metrics.json", "predictions.npz", "history.csv"])
def test_a_damaged_fold_of_an_older_version_is_a_sentence_or_read(run, name):
    as_of_an_older_version(run)
    file = run / "folds/01" / name
    n_noticed = 0
    for content in damaged(file):
        file.write_bytes(content)
        found, refused = read_or_refused(read_fold, file.parent)
        assert found or ("--resume" in refused and "\n" not in refused)
        n_noticed += found is None
    assert n_noticed >= 4


def resume(path, listener=None):
    with RunFolder.open(path, resume=True) as folder:
        evaluate(folder, listener=listener)
        raise InputError("What is there is refused.")


def test_a_refused_resume_leaves_a_complete_run_complete(run):
    before = (run / "run.json").read_bytes()
    with pytest.raises(InputError, match="What is there"):
        resume(run)
    assert (run / "run.json").read_bytes() == before
    (run / "target.npy").unlink()
    (run / "target.npy").mkdir()
    with pytest.raises(IsADirectoryError):
        evaluate(run)
    assert (run / "run.json").read_bytes() == before


def test_a_run_that_fails_half_way_says_neither_running_nor_complete(run):
    shutil.rmtree(run / "folds/02")
    with pytest.raises(ZeroDivisionError):
        resume(run, lambda event: 1 / 0)
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
