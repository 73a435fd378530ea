"""The classifiers keep scikit-learn's contracts, on real training of tiny networks."""

import functools
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    KFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.pipeline import make_pipeline

from cifar_sk import (
    ANNClassifier,
    CNNClassifier,
    FastCNNClassifier,
    InputError,
    KerasImageClassifier,
    MixUp,
    RandomFlip,
    RandomTranslation,
)
from cifar_sk.folds.progress import listening


def tiny_cnn(**params):
    defaults = {"widths": (4, 8), "dense_units": (16,), "epochs": 2, "random_state": 0}
    return CNNClassifier(**{**defaults, **params})


def tiny_ann(**params):
    defaults = {"hidden_units": (16,), "epochs": 3, "random_state": 0, "learning_rate": 1e-2}
    return ANNClassifier(**{**defaults, **params})


NO_SPLIT = {"early_stopping": False, "schedule": "constant"}


@pytest.fixture(scope="module")
def trained(digits):
    """A fitted classifier, which no test changes."""
    return tiny_ann().fit(*digits)


# --- scikit-learn's contracts -----------------------------------------------------------------


def test_is_a_classifier_so_that_cv_stratifies(digits):
    assert is_classifier(tiny_cnn())
    splitter = check_cv(5, digits[1], classifier=is_classifier(tiny_cnn()))
    assert isinstance(splitter, StratifiedKFold)
    assert not isinstance(splitter, KFold)


def test_clone_and_params_round_trip():
    original = tiny_cnn(optimizer="sgd", optimizer_params={"momentum": 0.9})
    copy = clone(original)
    assert copy.get_params() == original.get_params()
    copy.set_params(optimizer__momentum=0.5)
    assert original.get_params()["optimizer__momentum"] == 0.9


def test_nested_params_of_network_and_optimizer():
    classifier = KerasImageClassifier("resnet").set_params(
        network__depth=8, optimizer__nesterov=True, optimizer="sgd"
    )
    assert classifier.network_params == {"depth": 8}
    assert classifier.optimizer_params == {"nesterov": True}
    assert classifier.get_params()["network__width"] == 16  # the builder's default


@pytest.mark.parametrize(
    "name", ["network__dept", "optimizer__momentun", "dropuot", "nothing__here"]
)
def test_unknown_params_are_refused(name):
    with pytest.raises(InputError, match=f"no parameter '{name}'"):
        KerasImageClassifier("resnet", optimizer="sgd").set_params(**{name: 1})


# --- data -------------------------------------------------------------------------------------


def test_uint8_is_scaled_in_the_graph(digits, trained):
    X, y = digits
    of_bytes = trained.predict_proba(X)
    floats = X.astype(np.float32) / 255
    of_floats = tiny_ann().fit(floats, y).predict_proba(floats)
    np.testing.assert_allclose(of_bytes, of_floats, atol=1e-3)


def test_batches_stay_uint8():
    from cifar_sk.estimators.batches import BatchSequence

    images = np.arange(5 * 2 * 2, dtype=np.uint8).reshape(5, 2, 2, 1)
    batches = BatchSequence(images, np.arange(5), 2, target=np.arange(5), seed=0)
    seen = [np.concatenate([batches[i][1] for i in range(len(batches))])]
    batches.on_epoch_end()
    seen.append(np.concatenate([batches[i][1] for i in range(len(batches))]))
    assert batches[0][0].dtype == np.uint8
    assert [sorted(epoch) for epoch in seen] == [[0, 1, 2, 3, 4]] * 2
    assert seen[0].tolist() != seen[1].tolist()


def test_labels_of_any_kind(digits):
    X, y = digits
    names = 10 * y
    classifier = tiny_ann(**NO_SPLIT).fit(X, names)
    assert classifier.classes_.tolist() == [10 * k for k in range(10)]
    best = classifier.classes_[classifier.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(X), best)
    assert classifier.score(X, names) > 0.5


def test_probabilities_are_distributions(digits, trained):
    proba = trained.predict_proba(digits[0])
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 8, 8, 1), np.float32), "fitted on pixels of uint8"),
        (np.zeros((3, 9, 9, 1), np.uint8), "samples of shape"),
    ],
)
def test_other_pixels_than_fitted_are_refused(trained, X, message):
    with pytest.raises(ValueError, match=message):
        trained.predict(X)


def test_rows_without_a_shape_are_no_images():
    with pytest.raises(InputError, match="image_shape="):
        tiny_cnn(**NO_SPLIT).fit(np.zeros((4, 64), np.uint8), [0, 1, 0, 1])
    with pytest.raises(InputError, match="does not fit"):
        tiny_cnn(image_shape=(9, 9, 1), **NO_SPLIT).fit(np.zeros((4, 64), np.uint8), [0, 1, 0, 1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least 2 classes"):
        tiny_ann(**NO_SPLIT).fit(np.zeros((4, 8, 8, 1), np.uint8), [1, 1, 1, 1])


# --- training ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [tiny_ann, functools.partial(tiny_cnn, widths=(4,), epochs=1)], ids=["ann", "cnn"]
)
def test_one_seed_gives_the_same_bits(digits, make):
    X, y = digits
    pipeline = make_pipeline(RandomTranslation(0.1, 0.1), MixUp(), make(dropout=0.2))
    first = clone(pipeline).fit(X, y).predict_proba(X)
    np.random.default_rng().random()
    keras.utils.set_random_seed(123)  # the global seed must not matter
    np.testing.assert_array_equal(clone(pipeline).fit(X, y).predict_proba(X), first)
    other = clone(pipeline).set_params(**{f"{pipeline.steps[-1][0]}__random_state": 1})
    assert not np.array_equal(other.fit(X, y).predict_proba(X), first)


def test_fit_leaves_global_generators_alone(digits):
    import random

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002  (the global generator is what is looked at)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    tiny_ann(epochs=1).fit(*digits)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_early_stopping_restores_the_best_epoch(digits):
    X, y = digits
    classifier = tiny_ann(
        epochs=30, n_iter_no_change=2, learning_rate=0.05, schedule="constant", tol=0.0
    ).fit(X, y)
    losses = classifier.history_["val_loss"]
    assert classifier.n_epochs_ == len(losses) < 30
    assert np.argmin(losses) == len(losses) - 1 - 2


def test_inner_split_is_stratified_disjoint_and_not_augmented(digits, monkeypatch):
    from cifar_sk.estimators import fitting

    X, y = digits
    made = []

    class Recording(fitting.BatchSequence):
        def __init__(self, images, index, *args, **kwargs):
            made.append(index)
            super().__init__(images, index, *args, **kwargs)

    monkeypatch.setattr(fitting, "BatchSequence", Recording)
    make_pipeline(RandomFlip(), tiny_ann(epochs=1, validation_fraction=0.2)).fit(X, y)
    train, validation = made
    assert len(validation) == 80
    np.testing.assert_array_equal(np.sort(np.r_[train, validation]), np.arange(len(X)))
    shares = np.bincount(y[validation]) / 80 - np.bincount(y) / len(y)
    assert np.abs(shares).max() < 1 / 80


def test_too_small_for_an_inner_split_is_one_sentence():
    X = np.zeros((12, 8, 8, 1), np.uint8)
    with pytest.raises(InputError, match="set early_stopping=False"):
        tiny_ann(validation_fraction=0.1).fit(X, np.arange(12) % 4)


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine", "one_cycle"])
def test_schedules_run_to_their_end(digits, schedule):
    classifier = tiny_ann(epochs=2, **{**NO_SPLIT, "schedule": schedule}).fit(*digits)
    end = float(keras.ops.convert_to_numpy(classifier.model_.optimizer.learning_rate))
    expected = {"constant": 1e-2, "exponential": 1e-4, "cosine": 0.0, "one_cycle": 0.0}
    assert end == pytest.approx(expected[schedule], rel=1e-3, abs=1e-7)


def test_plateau_halves_the_rate(digits):
    X, y = digits
    shuffled = np.random.default_rng(0).permutation(y)  # nothing to learn, so no progress
    classifier = tiny_ann(epochs=12, early_stopping=False, hidden_units=(64,)).fit(X, shuffled)
    rates = classifier.history_["learning_rate"]
    assert rates[0] == pytest.approx(1e-2)
    assert 5e-3 in [pytest.approx(rate) for rate in rates]


def test_label_smoothing_softens(digits):
    X, y = digits[0][:100], digits[1][:100]
    sharp = tiny_ann(epochs=40, **NO_SPLIT).fit(X, y).predict_proba(X).max(axis=1).mean()
    soft = tiny_ann(epochs=40, label_smoothing=0.3, **NO_SPLIT).fit(X, y)
    assert soft.predict_proba(X).max(axis=1).mean() < sharp - 0.1


def test_sample_weight_is_respected_and_never_changed(digits):
    X, y = digits
    weight = np.where(y == 3, 0, 1)  # integers, which scikeras' in-place product refuses
    kept = weight.copy()
    classifier = tiny_ann(class_weight="balanced", **NO_SPLIT).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(weight, kept)
    assert weight.dtype == kept.dtype
    assert not (classifier.predict(X) == 3).any()


def test_class_weight_moves_predictions(digits):
    X, y = digits
    weights = {k: 50.0 if k == 3 else 1.0 for k in range(10)}
    plain = (tiny_ann(epochs=1, **NO_SPLIT).fit(X, y).predict(X) == 3).sum()
    heavy = tiny_ann(epochs=1, class_weight=weights, **NO_SPLIT).fit(X, y)
    assert (heavy.predict(X) == 3).sum() > plain


def test_loss_of_a_known_batch():
    """Label smoothing, weights and mixing against the formula worked by hand."""
    from cifar_sk.estimators.training import TrainingModel

    proba = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], np.float32)
    y, weight = np.array([0, 1]), np.array([2.0, 1.0], np.float32)
    trainer = TrainingModel(
        keras.Sequential([keras.Input((3,))]), scale=1, augmentation=None, label_smoothing=0.3
    )
    smooth = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    loss = float(trainer.compute_loss(y=y, y_pred=keras.ops.array(proba), sample_weight=weight))
    assert loss == pytest.approx(-(smooth * np.log(proba) * weight[:, None]).sum() / 2, rel=1e-5)

    lam = 0.75
    trainer._mixes = [(keras.ops.array([1, 0]), keras.ops.array([lam, lam]))]
    weighted = smooth * weight[:, None]
    mixed = lam * weighted + (1 - lam) * weighted[[1, 0]]
    loss = float(trainer.compute_loss(y=y, y_pred=keras.ops.array(proba), sample_weight=weight))
    assert loss == pytest.approx(-(mixed * np.log(proba)).sum() / 2, rel=1e-5)

    plain = float(
        trainer.compute_loss(
            y=y, y_pred=keras.ops.array(proba), sample_weight=None, training=False
        )
    )
    assert plain == pytest.approx(-np.log([0.7, 0.3]).mean(), rel=1e-5)


def test_nan_loss_names_the_remedy(digits):
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        tiny_ann(optimizer="sgd", learning_rate=1e30, **NO_SPLIT).fit(*digits)


def test_nothing_stays_in_memory_of_a_fit_that_is_forgotten(digits):
    """Keras on TensorFlow keeps every graph and every array, unless it is made to let go."""
    import gc
    import weakref

    X, y = digits

    def n_graphs():
        fold = X.copy()
        tiny_ann(epochs=1, hidden_units=()).fit(fold, y).predict(fold)
        kept = weakref.ref(fold)
        del fold
        gc.collect()
        assert kept() is None
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    assert n_graphs() == n_graphs()


def test_epochs_are_reported(digits):
    heard = []
    with listening(heard.append):
        make_pipeline(RandomFlip(), tiny_ann(epochs=2)).fit(*digits)
    assert [(end.epoch, end.n_epochs) for end in heard] == [(1, 2), (2, 2)]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(heard[0].logs)


# --- callbacks, optimisers --------------------------------------------------------------------


def test_callback_objects_are_refused_because_folds_would_share_them(digits):
    with pytest.raises(InputError, match="new callback for every fit"):
        tiny_ann(callbacks=[keras.callbacks.TerminateOnNaN()]).fit(*digits)


def test_callback_factories_are_called_in_every_fit(digits):
    made = []

    def make():
        made.append(keras.callbacks.LambdaCallback())
        return made[-1]

    classifier = tiny_ann(epochs=1, callbacks=[make], **NO_SPLIT)
    classifier.fit(*digits).fit(*digits)
    assert len(made) == 2
    assert made[0] is not made[1]


def test_unknown_optimizer_suggests_the_nearest(digits):
    with pytest.raises(InputError, match="did you mean 'adam'"):
        tiny_ann(optimizer="adm").fit(*digits)


@pytest.mark.parametrize(
    "params", [{"epochs": 0}, {"learning_rate": -1.0}, {"schedule": "foo"}, {"batch_size": 2.5}]
)
def test_bad_parameters_name_themselves(digits, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        tiny_ann(**params).fit(*digits)


def test_any_builder_is_a_network(digits):
    def build(input_shape, n_classes, *, units=4):
        layers = [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(units),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
        return keras.Sequential(layers)

    classifier = KerasImageClassifier(build, epochs=1, random_state=0, **NO_SPLIT)
    classifier.set_params(network__units=3)
    assert classifier.fit(*digits).n_parameters_ == 64 * 3 + 3 + 3 * 10 + 10


# --- going on ---------------------------------------------------------------------------------


def test_partial_fit_goes_on_and_survives_pickle_and_save(digits, tmp_path):
    X, y = digits
    classifier = tiny_cnn(widths=(4,), dense_units=()).fit(X, y)
    unpickled = pickle.loads(pickle.dumps(classifier))
    classifier.save(tmp_path)
    loaded = CNNClassifier.load(tmp_path)
    for other in (unpickled, loaded):
        np.testing.assert_array_equal(other.predict_proba(X), classifier.predict_proba(X))
    classifier.partial_fit(X, y)
    for other in (unpickled, loaded):
        other.partial_fit(X, y)
        np.testing.assert_array_equal(other.predict_proba(X), classifier.predict_proba(X))
        assert other.history_ == classifier.history_
    assert classifier.n_epochs_ == 3


def test_partial_fit_learns_after_a_schedule_that_has_run_out(digits):
    X, y = digits
    classifier = tiny_ann(epochs=1, **{**NO_SPLIT, "schedule": "cosine"}).fit(X, y)
    before = classifier.predict_proba(X)
    losses = [classifier.partial_fit(X, y).history_["loss"][-1] for _ in range(3)]
    assert losses[2] < losses[1] < losses[0]
    assert not np.array_equal(classifier.predict_proba(X), before)


def test_partial_fit_augments_what_asks_for_it(digits):
    X, y = digits
    plain, augmented = (tiny_ann(epochs=1, **NO_SPLIT).fit(X, y) for _ in range(2))
    plain.partial_fit(X, y)
    augmented.partial_fit(RandomFlip().fit_transform(X), y)
    assert not np.array_equal(augmented.predict_proba(X), plain.predict_proba(X))


def test_partial_fit_needs_all_classes_first(digits):
    X, y = digits
    with pytest.raises(ValueError, match="classes must be passed"):
        tiny_ann().partial_fit(X[:50], y[:50])
    classifier = tiny_ann(hidden_units=())
    classifier.partial_fit(X[y < 5], y[y < 5], classes=np.arange(10))
    assert classifier.predict_proba(X).shape == (len(X), 10)
    assert classifier.partial_fit(X, y).n_epochs_ == 2


def test_warm_start_goes_on_from_the_weights(digits):
    X, y = digits
    warm = tiny_ann(warm_start=True, epochs=2, **NO_SPLIT).fit(X, y)
    first = warm.history_["loss"][0]
    warm.fit(X, y)
    assert warm.n_epochs_ == 4
    assert warm.history_["loss"][2] < first
    cold = tiny_ann(epochs=2, **NO_SPLIT).fit(X, y)
    assert cold.fit(X, y).n_epochs_ == 2
    with pytest.raises(InputError, match="warm_start"):
        warm.fit(X, y + 1)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        tiny_ann().predict(np.zeros((1, 8, 8, 1), np.uint8))


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["ann", "cnn-basic", "cnn-deep", "vgg", "resnet"])
def test_every_network_can_be_saved(tmp_path, network):
    X = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 3), dtype=np.uint8)
    y = np.array(["b", "a"])[np.arange(20) % 2]
    small = {
        "ann": {"hidden_units": (4,)},
        "cnn-basic": {"widths": (4,), "dense_units": ()},
        "cnn-deep": {"blocks": ((4,), (4, 4)), "dense_units": (4,)},
        "resnet": {"depth": 8, "width": 4},
        "vgg": {"widths": (4, 4), "convs_per_block": 1, "dense_units": (4,)},
    }
    classifier = KerasImageClassifier(
        network,
        network_params=small[network],
        optimizer="sgd",  # the quickest to trace
        epochs=1,
        random_state=0,
        **NO_SPLIT,
    ).fit(X, y)
    classifier.save(tmp_path)
    loaded = KerasImageClassifier.load(tmp_path)
    assert loaded.classes_.tolist() == ["a", "b"]
    assert loaded.get_params() == classifier.get_params()
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))


def test_save_refuses_what_json_cannot_hold(trained, tmp_path):
    fitted = pickle.loads(pickle.dumps(trained))
    fitted.set_params(callbacks=[keras.callbacks.TerminateOnNaN])
    with pytest.raises(InputError, match="cannot be saved"):
        fitted.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_load_runs_no_code_and_names_the_folder(trained, tmp_path):
    with pytest.raises(InputError, match="save\\(\\) wrote"):
        ANNClassifier.load(tmp_path)
    trained.save(tmp_path)
    with pytest.raises(InputError, match="as a saved CNNClassifier"):
        CNNClassifier.load(tmp_path)
    evil = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: x)])
    evil.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match=r"[Ll]ambda"):
        ANNClassifier.load(tmp_path)
    state = json.loads((tmp_path / "classifier.json").read_text())
    assert state["class"] == "ANNClassifier"


def without(key):
    def damage(file):
        state = json.loads(file.read_text())
        del state[key]
        file.write_text(json.dumps(state))

    return damage


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


def with_foreign_layer(file):
    """Put in a layer of PyTorch's, which Keras reads by unpickling a module."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = contents["config.json"].replace(b'"Dense"', b'"TorchModuleWrapper"')
    assert config != contents["config.json"]
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**contents, "config.json": config}.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(("classifier.json", without(key)) for key in ("class", "params", "classes", "entropy")),
        ("classifier.json", lambda file: file.write_text("[" * 100_000)),
        ("model.keras", flip),
        ("model.keras", Path.unlink),
        ("model.keras", lambda file: file.write_bytes(b"")),
        ("model.keras", with_foreign_layer),
    ],
)
def test_a_damaged_model_is_a_sentence(trained, tmp_path, name, damage):
    trained.save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(InputError, match=r"cannot be read as a saved ANNClassifier \(.*save\(\)"):
        ANNClassifier.load(tmp_path)


FRESH = """
import pickle, sys
from pathlib import Path
import numpy as np
import cifar_sk
folder = Path(sys.argv[1])
X = np.load(folder / "X.npy")
for kind in ("CNNClassifier", "FastCNNClassifier"):
    loaded = getattr(cifar_sk, kind).load(folder / kind)
    unpickled = pickle.loads((folder / kind / "pickled").read_bytes())
    print(loaded.predict_proba(X).tobytes().hex(), unpickled.predict_proba(X).tobytes().hex())
"""


def test_saved_classifiers_load_in_a_fresh_process(digits, tmp_path):
    X, y = digits
    np.save(tmp_path / "X.npy", X[:20])
    expected = []
    for fitted in (
        tiny_cnn(widths=(4,), epochs=1, **NO_SPLIT).fit(X, y),
        FastCNNClassifier(width=2, expansion=1, epochs=1, random_state=0).fit(X, y),
    ):
        folder = tmp_path / type(fitted).__name__
        fitted.save(folder)
        (folder / "pickled").write_bytes(pickle.dumps(fitted))
        expected += 2 * [fitted.predict_proba(X[:20]).tobytes().hex()]
    command = [sys.executable, "-c", FRESH, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected
