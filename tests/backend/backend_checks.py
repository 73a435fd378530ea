"""What every backend of Keras must be able to do; `test_backends` runs this under each of them.

Few and tiny fits, all of their batches of one size: JAX compiles a step for each.
"""

import pickle
import random
import sys

import keras
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from cifar_sk import (
    ANNClassifier,
    CNNClassifier,
    FastCNNClassifier,
    KerasImageClassifier,
    augmentation_steps,
    cross_validate_oof,
)
from cifar_sk.backend.hardware import backend_name
from cifar_sk.estimators.training import Lookahead
from cifar_sk.networks import NETWORKS
from cifar_sk.runs.provenance import provenance

GEOMETRY = ["flip", "crop:2", "translate", "rotate", "zoom", "shear"]
AUGMENTATION = [*GEOMETRY, "contrast", "erase"]
NO_SPLIT = {"early_stopping": False, "schedule": "constant"}
TINY = {
    "ann": {"hidden_units": (8,)},
    "cnn": {"widths": (4,), "dense_units": (8,)},
    "cnn-basic": {"widths": (4,), "dense_units": (8,)},
    "cnn-deep": {"blocks": ((4,), (4,)), "dense_units": (8,)},
    "fast": {"width": 4, "expansion": 1},
    "resnet": {"depth": 8, "width": 4},
    "vgg": {"widths": (4,), "dense_units": (8,)},
}


@pytest.fixture
def images(digits):
    X, y = digits
    return X[:64], y[:64]


def small_ann(**params):
    defaults = {"hidden_units": (16,), "dropout": 0.3, "batch_size": 32, "random_state": 0}
    return ANNClassifier(**{**defaults, "epochs": 2, **params})


def assert_distributions(proba, n=64):
    assert proba.shape == (n, 10)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_the_backend_is_the_one_asked_for_and_recorded():
    assert backend_name() == keras.config.backend() != "tensorflow"
    recorded = provenance(["test"])
    assert recorded["backend"] == backend_name()
    module = sys.modules[backend_name()]
    assert recorded["versions"][backend_name()] == str(module.__version__)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_trains(images, name):
    X, y = images
    classifier = KerasImageClassifier(
        name, network_params=TINY[name], epochs=1, batch_size=64, random_state=0, **NO_SPLIT
    )
    assert_distributions(classifier.fit(X, y).predict_proba(X))
    assert np.isfinite(classifier.history_["loss"]).all()


def test_one_seed_gives_the_same_bits_with_all_augmentation_dropout_and_weights(digits):
    X, y = digits
    X, y = X[:160], y[:160]
    weight = np.where(y == 3, 0.5, 1.0)
    probas = []
    for global_seed in range(2):  # which must not matter
        random.seed(global_seed)
        if backend_name() == "torch":
            sys.modules["torch"].manual_seed(global_seed)
        steps = augmentation_steps(",".join([*AUGMENTATION, "mixup", "cutmix"]))
        classifier = small_ann(validation_fraction=0.2, class_weight="balanced")
        model = make_pipeline(*steps, classifier)
        model.fit(X, y, annclassifier__sample_weight=weight)
        assert {"loss", "val_loss", "learning_rate"} <= set(classifier.history_)
        probas.append(model.predict_proba(X))
    np.testing.assert_array_equal(*probas)
    assert_distributions(probas[0], 160)


@pytest.mark.parametrize("name", AUGMENTATION)
def test_every_operation_draws_an_array(images, name):
    X, _ = images
    drawn = np.asarray(augmentation_steps(name)[0].fit_transform(X))
    assert drawn.shape == X.shape
    assert drawn.dtype == np.uint8
    assert not np.array_equal(drawn, X)


@pytest.mark.parametrize("name", GEOMETRY)
def test_what_moves_pixels_leaves_an_even_image_alone(name):
    X = np.full((4, 8, 8, 3), 77, np.uint8)
    np.testing.assert_array_equal(np.asarray(augmentation_steps(name)[0].fit_transform(X)), X)


def test_early_stopping_restores_the_best_epoch(digits):
    X, y = digits
    classifier = ANNClassifier(
        hidden_units=(16,),
        epochs=40,
        batch_size=32,
        learning_rate=0.1,
        n_iter_no_change=2,
        validation_fraction=0.2,
        random_state=0,
    ).fit(X[:160], y[:160])
    losses = classifier.history_["val_loss"]
    assert len(losses) < 40
    assert np.argmin(losses) == len(losses) - 1 - 2
    best, _ = classifier._trainer.evaluate(X[:160], y[:160], verbose=0)
    assert best < max(losses)


def test_the_fast_classifier_learns_and_its_average_is_its_own(images):
    """Lookahead, biased SGD, whitening; the average must outlive the steps that follow it."""
    X, y = images

    def average_often():
        return Lookahead(60, every=5, decay=0.5)

    classifier = FastCNNClassifier(
        width=8,
        expansion=1,
        flip=False,
        crop=0,
        tta="none",
        epochs=60,
        batch_size=64,
        lookahead=False,
        callbacks=[average_often],
        random_state=0,
    ).fit(X, y)
    assert classifier.score(X, y) > 0.3  # guessing: 0.1


def test_a_fit_goes_on_after_pickle_and_save(images, tmp_path):
    X, y = images
    classifier = CNNClassifier(
        widths=(4,), dense_units=(8,), epochs=1, batch_size=32, random_state=0, **NO_SPLIT
    ).fit(X, y)
    classifier.save(tmp_path)
    others = [pickle.loads(pickle.dumps(classifier)), CNNClassifier.load(tmp_path)]
    expected = [classifier.predict_proba(X), classifier.partial_fit(X, y).predict_proba(X)]
    assert not np.array_equal(*expected)
    for other in others:
        np.testing.assert_array_equal(other.predict_proba(X), expected[0])
        np.testing.assert_array_equal(other.partial_fit(X, y).predict_proba(X), expected[1])
        assert other.model_.jit_compile == classifier.model_.jit_compile


def test_warm_start_goes_on(images):
    X, y = images
    classifier = small_ann(
        epochs=1, dropout=0, learning_rate=1e-2, warm_start=True, **NO_SPLIT
    ).fit(X, y)
    first = classifier.history_["loss"][0]
    classifier.fit(X, y)
    assert classifier.n_epochs_ == 2
    assert classifier.history_["loss"][1] < first


def test_folds_do_not_depend_on_the_number_of_jobs(images):
    X, y = images
    model = small_ann(epochs=1, **NO_SPLIT)
    one, two = (
        cross_validate_oof(model, X, y, cv=2, n_jobs=n_jobs, n_threads=1) for n_jobs in (1, 2)
    )
    assert not one.failed
    np.testing.assert_array_equal(one.oof_proba, two.oof_proba)


def test_tensorflow_was_not_imported():
    """Last, for it is of all that came before."""
    assert "tensorflow" not in sys.modules
