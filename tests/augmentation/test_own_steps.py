"""Steps of a user's own, layers of Keras as steps, and where in a pipeline a step may stand."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cifar_sk import (
    ANNClassifier,
    Augmentation,
    InputError,
    KerasAugmentation,
    RandomCrop,
    RandomFlip,
    cross_validate_oof,
)
from cifar_sk.augmentation import AugmentedImages, RandomContrast, RandomErasing
from cifar_sk.augmentation.layers import build_augmentation
from cifar_sk.folds.json_values import plain
from cifar_sk.folds.steps import check_augmentation_order

LAYERS = keras.layers


@pytest.fixture(name="X")
def random_images():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


def ann(**params):
    small = {"hidden_units": (4,), "epochs": 2, "random_state": 0, "early_stopping": False}
    return ANNClassifier(**{**small, "schedule": "constant", **params})


def inverting(parent):
    """Derive a step with another operation, and other parameters, from one of ours."""

    class Invert(parent):
        def __init__(self, random_state=None):
            self.random_state = random_state

        def augment(self, images, generator):
            return 1 - images

    return Invert()


@pytest.mark.parametrize(
    "parent", [Augmentation, RandomCrop, RandomFlip, RandomContrast, RandomErasing]
)
def test_a_step_that_defines_augment_is_run_by_it(parent, X):
    step = inverting(parent)
    drawn = make_pipeline(RandomFlip("vertical", random_state=0), step).fit_transform(X)
    flipped = RandomFlip("vertical", random_state=0).fit_transform(X)
    np.testing.assert_array_equal(np.asarray(drawn), 255 - np.asarray(flipped))
    assert clone(step).get_params() == {"random_state": None}


def test_a_step_that_only_changes_parameters_stays_what_it_was(X):
    class Wide(RandomCrop):
        def __init__(self, padding=7, random_state=None):
            super().__init__(padding, random_state=random_state)

    with pytest.raises(InputError, match="padding of RandomCrop must be smaller than images"):
        Wide(8).fit(X)
    assert Wide.moves_pixels
    drawn = np.asarray(Wide(random_state=0).fit_transform(X))
    expected = np.asarray(RandomCrop(7, random_state=0).fit_transform(X))
    np.testing.assert_array_equal(drawn, expected)


def test_what_only_looks_like_a_step_is_refused(X):
    class Invert(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def fit_transform(self, X, y=None):
            return AugmentedImages(X, (self,))

        def augment(self, images, generator):
            return 1 - images

    with pytest.raises(InputError, match="Invert is no augmentation step; derive it from"):
        Invert().fit_transform(X)


# --- layers of Keras --------------------------------------------------------------------------

OF_KERAS = {
    "RandomRotation": {"factor": 0.1},
    "RandomContrast": {"factor": 0.5},
    "RandomErasing": {},
    "RandomBrightness": {"factor": 0.3},
    "Solarization": {"threshold_factor": 0.5},
}


@pytest.mark.parametrize("name", OF_KERAS)
def test_a_layer_of_keras_is_a_step(name, X):
    step = KerasAugmentation(getattr(LAYERS, name), OF_KERAS[name])
    seeded = clone(step).set_params(random_state=3)
    one, same = (np.asarray(pickle.loads(pickle.dumps(seeded)).fit_transform(X)) for _ in "ab")
    np.testing.assert_array_equal(one, same)
    assert one.dtype == np.uint8
    assert not np.array_equal(one, X)
    other = np.asarray(clone(step).set_params(random_state=4).fit_transform(X))
    assert not np.array_equal(one, other)
    assert step.transform(X) is X
    # Float images of the same values are changed by the same amount.
    if "value_range" in step._made(0).get_config():
        floats = seeded.set_params(layer_params={**OF_KERAS[name], "value_range": (0, 255)})
        drawn = np.asarray(floats.fit_transform(X.astype(np.float32)))
        np.testing.assert_allclose(drawn, one, atol=1)


def test_a_layer_takes_a_seed_of_the_classifier_and_new_draws_in_every_batch(X):
    step = KerasAugmentation(LAYERS.RandomRotation, {"factor": 0.3})
    images = X.astype(np.float32) / 255

    def two_draws(seed):
        layer = build_augmentation([step], seed=seed)
        return [np.asarray(layer(images)[0]) for _ in range(2)]

    np.testing.assert_array_equal(two_draws(1), two_draws(1))
    assert not np.array_equal(*two_draws(1))
    assert not np.array_equal(two_draws(1), two_draws(2))


def test_a_layer_trains_in_the_graph_and_is_part_of_what_a_run_is(digits):
    X, y = digits[0][:64], digits[1][:64]
    step = KerasAugmentation(LAYERS.RandomBrightness, {"factor": (1, 1)})  # all white
    pipeline = make_pipeline(step, ann(epochs=1)).fit(X, y)
    of_white = ann(epochs=1).fit(np.full_like(X, 255), y)
    np.testing.assert_allclose(pipeline.predict_proba(X), of_white.predict_proba(X), atol=1e-6)
    params = step.get_params()
    assert plain(params) == {
        "layer": "RandomBrightness",
        "layer_params": {"factor": [1, 1]},
        "random_state": None,
    }


@pytest.mark.parametrize(
    ("layer", "params", "dtype", "message"),
    [
        (LAYERS.RandomFlip(), None, "uint8", "layer of KerasAugmentation must be a class or func"),
        (
            "RandomFlip",
            None,
            "uint8",
            "class or function that makes a layer.*got 'Rando",
        ),
        (LAYERS.RandomFlip, [1], "uint8", "layer_params .* must be a dict .*got"),
        (LAYERS.RandomFlip, {"mood": 1}, "uint8", r"cannot be made of layer_params \(.*mood"),
        (LAYERS.RandomRotation, None, "uint8", "cannot be made of layer_params .*factor"),
        (dict, None, "uint8", "dict must make a Keras layer; got dict"),
        (LAYERS.MixUp, None, "uint8", "leave the labels; use cifar_sk.augmentation.MixUp"),
        (
            LAYERS.Resizing,
            {"height": 4, "width": 4},
            "uint8",
            r"shape .* got \(4, 4, 3\)",
        ),
        (LAYERS.RandomBrightness, {"factor": 1}, "float32", "needs its value_range for float"),
    ],
)
def test_layers_that_cannot_be_steps_are_refused(layer, params, dtype, message, X):
    with pytest.raises(InputError, match=message) as error:
        KerasAugmentation(layer, params).fit(X.astype(dtype))
    assert "\n" not in str(error.value)


# --- the order of steps -----------------------------------------------------------------------


def test_a_transformer_that_would_freeze_an_augmentation_is_refused(digits):
    halve = FunctionTransformer(lambda images: np.asarray(images) // 2)
    with pytest.raises(InputError, match=r"'functiontransformer' .* 'randomflip' would freeze"):
        cross_validate_oof(make_pipeline(RandomFlip(), halve, ann()), *digits, cv=2)
    flatten = FunctionTransformer(lambda images: np.asarray(images).reshape(len(images), -1))
    forerunner = make_pipeline(RandomFlip(), "passthrough", RandomCrop(1), ann(epochs=1))
    of_one_draw = make_pipeline(RandomFlip(), flatten, LogisticRegression(max_iter=10, tol=1))
    X, y = digits[0][:100], digits[1][:100] % 2
    assert not cross_validate_oof(of_one_draw, X, y, cv=2).failed
    check_augmentation_order(forerunner)
