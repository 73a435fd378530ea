"""What is added from outside of the package, each used by command line in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from cifar_sk import cv, read_run, report, tune
from cifar_sk.augmentation.policies import STEPS as AUGMENTATIONS
from cifar_sk.datasets.registry import DATASETS, READERS
from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.metrics import METRICS
from cifar_sk.networks import NETWORKS
from cifar_sk.reports import FIGURES

NETS = """
import keras
from cifar_sk.networks import register

def build(input_shape, n_classes, *, units=4):
    inputs = keras.Input(input_shape)
    hidden = keras.layers.Dense(units)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(n_classes, activation="softmax")(hidden))

register("tiny", epochs=2, early_stopping=False, schedule="constant")(build)
"""
DATA = """
import numpy as np
from cifar_sk.datasets import reader

def load():
    target = np.repeat(["cat", "dog"], 12)
    images = np.full((24, 8, 8, 3), 60, np.uint8)
    images[12:] = 200
    return images, target

def number():
    return 3

@reader("text files of pixels", reads=lambda path: path.suffix == ".txt")
def load_text(path):
    rows = np.loadtxt(path, dtype=int)
    return rows[:, 1:].reshape(-1, 4, 4, 1).astype(np.uint8), rows[:, 0]
"""
STEPS = """
import keras
from cifar_sk.augmentation import Augmentation

class Invert(Augmentation):
    def __init__(self, share=0.5, *, random_state=None):
        self.share = share
        self.random_state = random_state

    def augment(self, images, generator):
        shape = (keras.ops.shape(images)[0], 1, 1, 1)
        chosen = keras.random.uniform(shape, seed=generator) < self.share
        return keras.ops.where(chosen, 1 - images, images)
"""
CALLBACKS = """
import keras

class Count(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        with open("epochs.txt", "a") as file:
            file.write("epoch\\n")
"""
LOUD = "open('it-ran', 'w').close()\n"  # a module that leaves a trace of its import


@pytest.fixture
def place(tmp_path):
    """A working folder with a package of a user's own, which is not installed."""
    package = tmp_path / "mypkg"
    package.mkdir()
    files = {"nets": NETS, "data": DATA, "steps": STEPS, "callbacks": CALLBACKS, "loud": LOUD}
    for name, text in {"__init__": "", **files}.items():
        (package / f"{name}.py").write_text(text)
    return tmp_path


def run(place, command, *words, code=0, path=()):
    """Run a command in `place` and return what it printed."""
    paths = filter(None, [*path, os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, *command, *words],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def refused(place, capsys, monkeypatch):
    """Runs a command that is refused in one sentence, which it returns."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(place)

    def call(main, *words):
        with pytest.raises(SystemExit) as stop:
            main(list(words))
        assert stop.value.code == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    yield call
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypkg"]:
        del sys.modules[name]
    for registry in (NETWORKS, DATASETS, READERS, AUGMENTATIONS):
        for name in [name for name in registry if name.startswith(("mypkg", "text", "tiny"))]:
            registry.remove(name)


CV = ("-m", "cifar_sk.cv", "--folds", "2", "--quiet")
LITTLE = ("--dataset", "mypkg.data:load", "--epochs", "1")


def test_import_paths_of_all_kinds_reach_worker_processes(place, refused):
    augment = "crop:1,mypkg.steps:Invert:0.25"
    words = ["--model", "mypkg.nets:build", "--augment", augment, "--jobs", "2"]
    run(place, CV, *LITTLE, *words, "--callback", "mypkg.callbacks:Count", "--run", "mine")
    written = read_run(place / "results/mine").manifest
    params = written.pipeline["params"]
    assert written.data.name == "mypkg.data:load"
    assert params["classifier__network"] == "mypkg.nets:build"
    assert params["invert__share"] == 0.25
    assert params["classifier__callbacks"] == ["Count"]
    assert (place / "epochs.txt").read_text() == "epoch\n" * 2
    table = (place / "results/mine/oof_predictions.csv").read_text()
    assert table.count("\n") == 25
    assert "cat" in table
    assert "say where it is with --dataset" in refused(report.main, "results/mine")
    with pytest.raises(SystemExit, match="0"):
        report.main(["results/mine", "--dataset", "mypkg.data:load"])


def test_a_parameter_names_a_network_and_a_study_tunes_it(place):
    space = place / "space.toml"
    space.write_text("classifier__network__units = [2, 3]\n")
    words = ["--model", "vgg", "--set", "classifier__network=mypkg.nets:build"]
    command = ("-m", "cifar_sk.tune", "--trials", "2", "--folds", "2", "--workers", "2")
    run(place, command, "--quiet", *LITTLE, *words, "--space", str(space), "--study", "mine")
    best = json.loads((place / "results/studies/mine/best.json").read_text())
    assert best["params"]["classifier__network"] == "mypkg.nets:build"
    assert best["params"]["classifier__network__units"] in {2, 3}


def test_registered_names_serve_a_program_of_ones_own(place):
    (place / "mine.py").write_text(
        "import mypkg.nets, mypkg.data\n"
        "from cifar_sk.cv import main\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    rows = [[k % 2, *[100 * (k % 2) + k] * 16] for k in range(12)]
    (place / "pixels.txt").write_text("\n".join(" ".join(map(str, row)) for row in rows))
    words = ["--folds", "2", "--quiet", "--model", "tiny", "--jobs", "1", "--run", "mine"]
    run(place, ["mine.py"], *words, "--dataset", "pixels.txt")
    written = read_run(place / "results/mine").manifest
    assert (written.data.name, written.data.image_shape) == ("pixels", (4, 4, 1))
    assert written.pipeline["params"]["classifier__epochs"] == 2


def test_entry_points_of_an_installed_package_are_known(place):
    installed = place / "mypkg-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mypkg\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(
        "[cifar_sk.networks]\ntiny = mypkg.nets:build\n"
        "[cifar_sk.datasets]\npets = mypkg.data:load\nbroken = mypkg.nothing:load\n"
        "[cifar_sk.readers]\ntext files of pixels = mypkg.data:load_text\n"
    )
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    path = [str(place)]
    text = " ".join(run(elsewhere, ("-m", "cifar_sk.cv", "--help"), path=path).split())
    assert "resnet, tiny, vgg" in text
    assert "digits, pets" in text
    run(elsewhere, CV, "--model", "tiny", "--dataset", "pets", "--run", "mine", path=path)
    written = read_run(elsewhere / "results/mine").manifest
    assert written.data.name == "pets"
    assert written.pipeline["params"]["classifier__epochs"] == 2
    explore = ("-m", "cifar_sk.explore", "--dataset")
    said = run(elsewhere, explore, "broken", code=2, path=path)
    assert "The dataset 'broken' of an installed package cannot be imported" in said
    (place / "pixels.txt").write_text("0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6\n" * 3 + "1 " * 17)
    said = run(elsewhere, explore, str(place / "pixels.txt"), path=path)
    assert "4 of 4×4 pixels, 1 channels" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": "mypkg.loud:build", "params": {}}, "There is no model 'mypkg.loud:build'"),
        (
            {"model": "ann", "augment": "mypkg.loud:Step", "params": {}},
            "unknown augmentation 'mypkg.loud'",
        ),
        (
            {"model": "vgg", "params": {"classifier__network": "mypkg.loud:build"}},
            "There is no network 'mypkg.loud:build'",
        ),
        ({"model": "ann", "params": {"classifier__callbacks": ["mypkg.loud:Make"]}}, "callbacks"),
    ],
)
def test_a_file_of_parameters_runs_no_code(place, refused, content, message):
    (place / "best.json").write_text(json.dumps(content))
    assert message in refused(cv.main, "--dataset", "digits", "--params", "best.json")
    assert not (place / "it-ran").exists()


def test_a_space_runs_no_code(place, refused):
    (place / "space.toml").write_text('classifier__network = ["vgg", "mypkg.loud:build"]\n')
    words = ["--model", "vgg", "--trials", "1", "--dataset", "digits", "--space", "space.toml"]
    assert "There is no network 'mypkg.loud:build'" in refused(tune.main, *words)
    assert not (place / "it-ran").exists()


def test_code_that_is_named_on_the_command_line_runs(place, refused):
    assert "cannot be imported" in refused(cv.main, "--model", "mypkg.loud:build")
    assert (place / "it-ran").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "mypkg.nets:nothing"], "The network 'mypkg.nets:nothing' cannot be imported"),
        (["--model", "nowhere:build"], "No module named 'nowhere'"),
        (["--model", "mypkg.nets:__name__"], "must be a function or a class; got str"),
        (["--augment", "mypkg.nets:build"], "must be a class derived from"),
        (["--dataset", "mypkg.data:none"], "The dataset 'mypkg.data:none' cannot be imported"),
        (["--dataset", "mypkg.data:number"], "must be read as (images, target)"),
        (["--model", "dummy", "--callback", "mypkg.nets:build"], "--callback needs a network"),
        (["--callback", "Count"], "--callback must be package.module:Class, got 'Count'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(place, refused, words, message):
    assert message in refused(cv.main, "--dataset", "mypkg.data:load", *words)
    assert not (place / "results").exists()


BROKEN = """
import sys

def raises(*arguments, **options):
    raise RuntimeError("a fault of my own")

def nothing(*arguments, **options):
    return None
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "broken:raises"], "The engine 'broken:raises' failed"),
        (["--engine", "broken:nothing"], "an object with a method run"),
        (["--metric", "broken:raises"], "The metric 'broken:raises' failed"),
        (["--metric", "broken:nothing"], "must return a number"),
        (["--metric", "accuracy"], "A metric of your own is package.module:name"),
        (["--figure", "broken:raises"], "The figure 'broken:raises' failed"),
        (["--figure", "samples"], "A figure of your own is package.module:name"),
        (["--dataset", "broken:raises"], "The dataset 'broken:raises' failed"),
        (["--dataset", "os:system"], "The dataset 'os:system' failed"),
        (["--model", "broken:nothing"], "must return a keras.Model"),
        (["--model", "ends:x"], "The network 'ends:x' cannot be imported (SystemExit: 3)"),
        (["--callback", "broken:nothing"], "--callback needs a network"),
    ],
)
def test_what_goes_wrong_in_a_user_s_own_code_is_one_sentence(
    tmp_path, monkeypatch, capsys, words, message
):
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "ends.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = [] if "--model" in words else ["--model", "dummy"]
    data = [] if "--dataset" in words else ["--dataset", "digits", "--limit", "60"]
    registries = (NETWORKS, METRICS, FIGURES, ENGINES, DATASETS)
    before = [{*registry} for registry in registries]
    try:
        with pytest.raises(SystemExit) as stop:
            cv.main([*model, *data, "--folds", "2", "--jobs", "1", "--quiet", *words])
    finally:
        for registry, names in zip(registries, before, strict=True):
            for name in {*registry} - names:
                registry.remove(name)
        sys.modules.pop("broken", None)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
