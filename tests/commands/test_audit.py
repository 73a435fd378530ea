"""The command that looks for leaks: exit codes, sentences, and where samples come from."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from cifar_sk import RunFolder, cross_validate_oof, load_dataset
from cifar_sk.audit import main
from cifar_sk.runs.image_sketch import ImageSketch

SCRIPTS = Path(__file__).parents[1] / "leaks"


@pytest.fixture
def audit(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    return call


def test_a_leak_is_exit_code_1_and_a_sentence(audit):
    code, out, _ = audit(f"{SCRIPTS / 'planted/class_level_cache.py'}:estimator")
    assert code == 1
    assert "knows_labels: a model that was trained on wrong labels predicts" in out
    assert "remedy: train on what fit is given" in out


def test_a_clean_pipeline_is_exit_code_0(audit):
    code, out, err = audit(f"{SCRIPTS / 'clean/iris.py'}:estimator")
    assert (code, err) == (0, "")
    assert "no rule found a leak, which is no proof" in out


def test_a_function_of_a_module_with_a_data_set(audit, tmp_path):
    (tmp_path / "my_pipelines.py").write_text(
        "from cifar_sk.pipelines.models import make_model\n\n\n"
        "def make():\n    return make_model('dummy')\n"
    )
    code, out, _ = audit("my_pipelines:make", "--dataset", "digits", "--limit", "120")
    assert code == 0, out


@pytest.mark.filterwarnings("ignore")  # the script has constant columns
def test_a_script_is_read_where_its_samples_are_not_used(audit):
    script = SCRIPTS / "planted/supervised_selection_in_script.py"
    code, out, _ = audit(
        f"{script}:estimator", "--dataset", "digits", "--limit", "100", "--no-probes"
    )
    assert code == 1
    assert "supervised_selection_in_script.py, line 17: X was made by best.fit before" in out


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("nowhere", "'nowhere' is neither the folder of a run nor"),
        ("nowhere.py:model", "There is no script nowhere.py"),
        ("divides_by_zero.py:model", "cannot be imported (ZeroDivisionError"),
        ("fine.py:other", "fine.py has no 'other'"),
        ("fine.py:number", "is no classifier but int"),
        ("no_module_of_this_name:model", "cannot be imported (ModuleNotFoundError"),
        ("fine.py:fails", "cannot be fitted on a fold (OSError: no weights)"),
    ],
)
def test_what_cannot_be_audited_is_a_sentence(audit, tmp_path, what, sentence):
    (tmp_path / "divides_by_zero.py").write_text("1 / 0\n")
    (tmp_path / "fine.py").write_text(
        "from sklearn.dummy import DummyClassifier\n"
        "number = 1\nX, y = [[1.0, 2.0]] * 20, [0, 1] * 10\n"
        "class Fails(DummyClassifier):\n"
        "    def fit(self, X, y):\n        raise OSError('no weights')\n"
        "fails = Fails()\n"
    )
    code, _, err = audit(what)
    assert code == 2
    assert err.count("\n") == 1
    assert sentence in err


def test_a_run_without_findings(audit, tmp_path):
    X, y = np.random.default_rng(0).random((60, 5)), np.arange(60) % 2
    cross_validate_oof(DecisionTreeClassifier(), X, y, cv=3, store=tmp_path / "run")
    code, out, err = audit("run")
    assert code == 0, out
    assert "note: without its images" in err


def test_a_run_of_parameters_that_were_selected_on_its_images(audit, tmp_path):
    X, y = np.random.default_rng(0).random((60, 5)), np.arange(60) % 2
    note = "The study deep selected these parameters on 40 of these images."
    with RunFolder.open(tmp_path / "run", info={"selected": note}) as folder:
        cross_validate_oof(DecisionTreeClassifier(), X, y, cv=3, store=folder)
    code, out, _ = audit("run")
    assert code == 1
    assert out.startswith("selected_on_these_images: The study deep selected these parameters")


@pytest.mark.parametrize(("n_seen", "code"), [(40, 1), (0, 0)])
def test_a_study_on_some_of_the_images_is_told_by_their_hashes(audit, tmp_path, n_seen, code):
    digits = load_dataset("digits", limit=120)
    others = np.random.default_rng(0).integers(0, 256, (30, *digits.images.shape[1:]), np.uint8)
    images = np.concatenate([digits.images[:n_seen], others])
    best = {"study": "depths", "params": {}, "images": ImageSketch.of(images).to_json()}
    (tmp_path / "best.json").write_text(json.dumps(best))
    script = f"{SCRIPTS / 'clean/warm_start.py'}:estimator"
    options = ("--dataset", "digits", "--limit", "120", "--no-probes", "--study", "best.json")
    ended, out, err = audit(script, *options)
    assert ended == code, out + err
    assert ("selected_on_these_images: The study depths selected" in out) == bool(code)


def test_a_run_whose_images_are_found_is_audited_with_them(audit, tmp_path):
    generator = np.random.default_rng(0)
    images, target = generator.integers(0, 256, (60, 8, 8, 1), np.uint8), np.arange(60) % 2
    images, target = np.r_[images, images[:30]], np.r_[target, target[:30]]
    np.savez(tmp_path / "pets.npz", images=images, labels=target)
    bunch = load_dataset(str(tmp_path / "pets.npz"))
    with RunFolder.open(tmp_path / "run", data=bunch) as folder:
        cross_validate_oof(DummyClassifier(), bunch.images, bunch.target, cv=3, store=folder)
    code, out, _ = audit("run", "--dataset", "pets.npz")
    assert code == 1
    assert "copies_across_folds: " in out
