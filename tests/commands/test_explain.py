"""Runs are explained by the models that held the samples out, and only on their own data."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made_runs import as_of_an_older_version
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from cifar_sk import InputError, RunFolder, cross_validate_oof, make_splits, write_report
from cifar_sk.commands.explanation import choose_samples, explain_samples, run_predictions
from cifar_sk.datasets import load_dataset
from cifar_sk.displays.attribution_displays import AttributionDisplay
from cifar_sk.displays.interpret_displays import MaximisationDisplay
from cifar_sk.displays.tiles import TILE
from cifar_sk.estimators import CNNClassifier
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.explain import main
from cifar_sk.interpret import saliency
from cifar_sk.runs.reading import read_run


@pytest.fixture(scope="module")
def bunch():
    return load_dataset("digits", limit=60, random_state=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory, bunch):
    """Two folds of a small CNN, with their models."""
    path = tmp_path_factory.mktemp("runs") / "small"
    classifier = CNNClassifier(
        widths=(4, 4), dense_units=(8,), epochs=2, early_stopping=False, schedule="constant"
    )
    with RunFolder.open(path, data=bunch) as folder:
        cross_validate_oof(
            classifier,
            bunch.images,
            bunch.target,
            cv=make_splits(bunch.target, n_folds=2, random_state=3),
            random_state=3,
            class_names=bunch.target_names,
            store=folder,
            save_models=True,
        )
    return path


def explain(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


def test_a_run_in_a_new_process(run, bunch):
    command = [sys.executable, "-m", "cifar_sk.explain", run, "--n", "2", "--method"]
    done = subprocess.run(
        [*command, "saliency,grad-cam,filters"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(run / "explain" / "explained.csv", dtype={"true": str, "predicted": str})
    finished = read_run(run).result
    fold_of = np.empty(60, int)
    for fold in finished.folds:
        fold_of[fold.test_index] = fold.index
    np.testing.assert_array_equal(table["fold"], fold_of[table["sample"]])
    np.testing.assert_array_equal(
        table["confidence"], finished.oof_proba[table["sample"]].max(axis=1)
    )
    np.testing.assert_array_equal(
        table["true"], np.array(bunch.target_names)[bunch.target[table["sample"]]]
    )
    written = {file.name for file in (run / "explain").iterdir()}
    assert written == {*table["figure"], "filters.png", "explained.csv"}
    with Image.open(run / "explain" / "wrong.png") as image:
        assert image.width > 300


def test_samples_are_explained_by_the_model_that_held_them_out(run, bunch):
    finished = read_run(run)
    predictions = run_predictions(finished, bunch)
    first, second = (fold.test_index[0] for fold in finished.result.folds)
    chosen = choose_samples(predictions.table, [second, first], 8)["samples"]
    assert chosen["fold"].tolist() == [1, 0]
    chosen.index += 7  # whatever rows they are
    methods = ["saliency", "integrated_gradients"]
    table, maps = explain_samples(predictions, chosen, methods, explained="true")
    assert (table["completeness_error"].abs() < 0.02 * table["logit"].abs() + 0.02).all()
    for row, (sample, fold) in enumerate([(second, 1), (first, 0)]):
        model = BaseImageClassifier.load(finished.model_folder(fold))
        label = bunch.target[sample]
        gradient = saliency(model, bunch.images[[sample]], label)
        expected = np.abs(gradient[0]).max(axis=-1)
        np.testing.assert_allclose(maps["saliency"][row], expected, rtol=1e-3, atol=1e-6)
        assert table["explained"][row] == bunch.target_names[label]


def test_choice_by_confidence():
    table = pd.DataFrame(
        {
            "sample": [4, 7, 1, 3],
            "confidence": [0.5, 0.9, 0.7, 0.8],
            "is_correct": [True, True, False, True],
        }
    )
    chosen = choose_samples(table, None, 2)
    assert {name: rows["sample"].tolist() for name, rows in chosen.items()} == {
        "correct": [7, 3],
        "wrong": [1],
    }
    assert list(choose_samples(table[table["is_correct"]], None, 2)) == ["correct"]
    with pytest.raises(InputError, match="5 is not among the 4 samples"):
        choose_samples(table, [4, 5], 2)


def test_other_data_is_refused(run, bunch, capsys, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "others.npz", images=images, labels=np.arange(60) % 10)
    assert explain(run, "--dataset", tmp_path / "others.npz", "--samples", "0") == 2
    message = capsys.readouterr().err
    assert "holds other images than the run" in message
    assert bunch.fingerprint[:12] in message
    assert not (run / "explain" / "samples.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "3,x"], "--samples must be numbers"),
        (["--samples", "60"], "60 is not among the 60 samples"),
        (["--method", "grad-can"], "did you mean 'grad_cam'"),
        (["--class", "other"], "--class must be predicted or true"),
        (["--limit", "5"], "--limit is for saved models"),
        (["--fold", "2"], "--fold must be one of 0, 1"),
    ],
)
def test_unusable_options_are_one_sentence(run, capsys, arguments, message):
    assert explain(run, *arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_a_saved_model_and_a_fold_of_a_run(run, capsys, tmp_path):
    assert explain(run / "folds" / "01", "--dataset", "digits") == 2
    assert "with --fold 1" in capsys.readouterr().err
    BaseImageClassifier.load(run / "folds" / "01").save(tmp_path / "model")
    arguments = ["--dataset", "digits", "--limit", 40, "--samples", 5, "--method", "saliency"]
    assert explain(tmp_path / "model", *arguments, "--output", tmp_path / "out") == 0
    assert "may have trained on these images" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out" / "explained.csv")
    assert table["sample"].tolist() == [5]
    assert table["fold"].tolist() == [-1]


def test_a_run_without_models_is_refused(run, capsys, tmp_path):
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    for file in bare.glob("folds/*/model.keras"):
        file.write_bytes(file.read_bytes()[:-1])
    assert explain(bare, "--samples", "0") == 2
    assert re.search(r"00/model\.keras is damaged: .*--resume", capsys.readouterr().err)
    as_of_an_older_version(bare)
    for file in bare.glob("folds/*/classifier.json"):
        file.unlink()
    assert explain(bare, "--samples", "0") == 2
    assert "--save-models" in capsys.readouterr().err


def test_a_data_set_of_no_known_name_must_be_given(run, capsys, tmp_path):
    import shutil

    other = tmp_path / "other"
    shutil.copytree(run, other)
    as_of_an_older_version(other)
    manifest = json.loads((other / "run.json").read_text())
    manifest["identity"]["data"]["name"] = "pets"
    (other / "run.json").write_text(json.dumps(manifest))
    assert explain(other) == 2
    assert "'pets', which is no known name" in capsys.readouterr().err


@pytest.mark.parametrize("methods", [["occlusion"], ["saliency", "grad_cam", "occlusion"]])
def test_tiles_keep_their_size_however_few_methods_there_are(methods):
    table = pd.DataFrame(
        {
            "sample": [7, 8],
            "true": "cat",
            "predicted": "dog",
            "confidence": 0.75,
            "is_correct": False,
            "explained": "cat",
        }
    )
    maps = {name: np.ones((2, 8, 8)) for name in methods}
    title = "cnn-cifar10-jpeg: wrong predictions, most confident first"
    display = AttributionDisplay(table, np.zeros((2, 8, 8, 3), np.uint8), maps, title=title).plot()
    FigureCanvasAgg(display.figure_).draw()
    images = [image.get_window_extent() for image in display.ax_.images]
    assert min(box.width for box in images) >= 0.9 * 0.92 * TILE * display.figure_.dpi
    title_box = display.ax_.title.get_window_extent()
    left = display.ax_._left_title.get_window_extent()
    assert max(title_box.x1, left.x1) <= display.figure_.bbox.x1


def test_signed_maps_are_drawn_about_zero():
    table = pd.DataFrame(
        {
            "sample": [7],
            "true": ["cat"],
            "predicted": ["dog"],
            "confidence": [0.75],
            "is_correct": [False],
            "explained": ["cat"],
        }
    )
    values = np.linspace(-1, 3, 64).reshape(1, 8, 8)
    maps = {"occlusion": values, "saliency": np.abs(values), "grad_cam": 0 * values}
    images = np.zeros((1, 8, 8, 1), np.uint8)
    display = AttributionDisplay(table, images, maps).plot()
    _, occlusion, saliency_map, *_ = display.ax_.images
    assert occlusion.norm.vmin == -occlusion.norm.vmax
    assert saliency_map.norm.vmin == 0
    texts = [text.get_text() for text in display.ax_.texts]
    assert {"7, true: cat", "✗ dog, 75 %", "maps of: cat", "nothing"} < set(texts)


def test_maximising_images_are_named(bunch, run):
    model = BaseImageClassifier.load(run / "folds" / "00")
    names = [f"digit {name}" for name in bunch.target_names]
    display = MaximisationDisplay.from_estimator(model, class_names=names, n_steps=2).plot()
    assert display.ax_.texts[3].get_text().startswith("digit 3: ")
    assert len(display.ax_.images) == 10
    with pytest.raises(InputError, match="class_names must name 10"):
        MaximisationDisplay.from_estimator(model, class_names=["a"], n_steps=1)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from cifar_sk.explain import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'matplotlib', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--samples" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_all_that_is_written_into_a_run_is_known_as_the_run_s(run, bunch, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    write_report(read_run(copy).result, copy, images=bunch.images)
    assert explain(copy, "--n", 1, "--dataset", "digits") == 0
    assert explain(copy, "--samples", 3, "--method", "saliency", "--dataset", "digits") == 0
    assert len(list(copy.rglob("*.png"))) > 10
    RunFolder.open(copy, overwrite=True).__exit__(None, None, None)
    assert sorted(entry.name for entry in copy.rglob("*")) == [".lock", "folds", "run.json"]
