"""The fast classifier, and what its training is made of, against numpy."""

import pickle
import tracemalloc

import keras
import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.class_weight import compute_sample_weight

from cifar_sk import FastCNNClassifier, InputError, MixUp, RandomTranslation
from cifar_sk.estimators import fitting
from cifar_sk.estimators.batches import BatchSequence
from cifar_sk.estimators.optimizers import BiasedSGD, Triangular
from cifar_sk.estimators.training import Lookahead, TrainingModel, adapt_layers
from cifar_sk.evaluation import cross_validate_oof
from cifar_sk.folds.splits import make_splits
from cifar_sk.networks import get_network
from cifar_sk.networks.layers import Whitening
from cifar_sk.pipelines.models import make_model

SMALL = {
    "width": 2,
    "expansion": 2,
    "epochs": 1,
    "crop": 1,
    "precision": "float32",
    "random_state": 0,
}


def tiny(**params):
    return FastCNNClassifier(**{**SMALL, **params})


def whitening_of(classifier):
    (layer,) = (m for m in classifier.model_.layers[-1].layers if isinstance(m, Whitening))
    return layer


def whitening_weights(classifier):
    """What is computed from images: mean, standard deviation and kernel."""
    return [keras.ops.convert_to_numpy(w) for w in whitening_of(classifier).non_trainable_weights]


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def data():
    """96 digits that nobody can write to, with strings for labels."""
    bunch = load_digits()
    images = (bunch.images[:96] * 15).astype(np.uint8)[..., np.newaxis]
    images.setflags(write=False)
    return images, np.array(list("abcdefghij"))[bunch.target[:96]]


@pytest.fixture(scope="module")
def plain(data):
    """A fitted classifier, which no test changes."""
    return tiny(epochs=2).fit(*data)


# --- learning ---------------------------------------------------------------------------------


def test_it_learns_digits_in_a_few_epochs():
    images, target = load_digits(return_X_y=True)
    images = (images * 15).astype(np.uint8).reshape(-1, 8, 8)
    classifier = FastCNNClassifier(width=8, flip=False, crop=1, epochs=6, random_state=0)
    classifier.fit(images[:1000], target[:1000])
    assert classifier.score(images[1000:], target[1000:]) > 0.9
    assert np.all(np.diff(classifier.history_["loss"]) < 0)


@pytest.mark.parametrize(
    ("shape", "n_classes", "params"),
    [
        ((8, 8, 1), 2, {"precision": "float16"}),
        ((28, 28, 1), 10, {"lookahead": False, "crop": 0, "schedule": "constant"}),
        ((33, 35, 3), 100, {"precision": "bfloat16", "crop": 3, "tta": "none"}),
    ],
)
def test_any_images_and_any_number_of_classes(shape, n_classes, params):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (max(20, 2 * n_classes), *shape), dtype=np.uint8)
    kept = X.copy()
    y = np.arange(len(X)) % n_classes
    classifier = tiny(**{"width": 1, **params}).fit(X, y)
    np.testing.assert_array_equal(X, kept)
    proba = classifier.predict_proba(X)
    assert proba.shape == (len(X), n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    # Before it has learnt anything, it is unsure, and its loss that of a guess.
    assert classifier.history_["loss"][0] == pytest.approx(np.log(n_classes), rel=0.1)


def test_labels_of_any_kind(data, plain):
    assert plain.classes_.tolist() == list("abcdefghij")
    best = plain.classes_[plain.predict_proba(data[0]).argmax(axis=1)]
    np.testing.assert_array_equal(plain.predict(data[0]), best)


def test_one_seed_gives_the_same_bits(data, plain):
    X, y = data  # in float32, `test_balanced_is_a_sample_weight` makes two such fits
    first, second = (tiny(epochs=2, precision="bfloat16").fit(X, y) for _ in range(2))
    assert_same(first.model_.get_weights(), second.model_.get_weights())
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), plain.predict_proba(X))


def test_balanced_is_a_sample_weight(data, plain):
    X, y = data
    balanced = tiny(epochs=2, class_weight="balanced").fit(X, y)
    weighted = tiny(epochs=2).fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    assert_same(balanced.model_.get_weights(), weighted.model_.get_weights())
    np.testing.assert_array_equal(balanced.predict_proba(X), weighted.predict_proba(X))
    assert not np.array_equal(balanced.predict_proba(X), plain.predict_proba(X))


def test_the_optimiser_is_the_one_of_the_parameters(data):
    classifier = tiny(
        learning_rate=0.4, momentum=0.7, bias_rate=3.0, weight_decay=0.01, batch_size=16
    ).fit(*data)
    optimizer = classifier.model_.optimizer
    assert isinstance(optimizer, BiasedSGD)
    config = optimizer.get_config()
    assert config["nesterov"]
    assert (config["momentum"], config["bias_rate"], config["weight_decay"]) == (0.7, 3.0, 0.01)
    # 7 % of the rate for batches of 512 is left, and a root of their size.
    end = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    assert end == pytest.approx(0.07 * 0.4 * (16 / 512) ** 0.5, rel=1e-5)
    assert int(keras.ops.convert_to_numpy(optimizer.iterations)) == 96 // 16


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(5, 32), (2047, 32), (4096, 64), (32_767, 256), (32_768, 512), (10**6, 512)],
)
def test_the_batch_size_leaves_64_steps_an_epoch(n_samples, expected):
    assert tiny()._batch_size(n_samples) == expected
    assert tiny(batch_size=100)._batch_size(n_samples) == min(100, n_samples)


# --- whitening --------------------------------------------------------------------------------


def recorded_batches(monkeypatch):
    """Let the classifier note which samples it makes batches of, and which images they hold."""
    made = []

    class Recording(BatchSequence):
        def __init__(self, images, index, *args, **kwargs):
            super().__init__(images, index, *args, **kwargs)
            self.index, self.seen = index, []
            made.append(self)

        def __getitem__(self, position):
            batch = super().__getitem__(position)
            self.seen.append(batch[0].copy())
            return batch

    monkeypatch.setattr(fitting, "BatchSequence", Recording)
    return made


def test_whitening_comes_from_the_training_part_alone(data, monkeypatch):
    X, y = data
    made = recorded_batches(monkeypatch)
    weight = np.ones(len(X))
    weight[::5] = 0
    classifier = tiny(early_stopping=True, validation_fraction=0.2)
    first = whitening_weights(clone(classifier).fit(X, y, weight))
    train, validation = (batches.index for batches in made)
    assert len(train) + len(validation) == weight.sum()

    other = 255 - X
    other[train] = X[train]
    second = whitening_weights(clone(classifier).fit(other, y, weight))
    np.testing.assert_array_equal(made[2].index, train)
    assert_same(second, first)

    by_hand = Whitening()
    by_hand.build((None, 8, 8, 1))
    by_hand.adapt(X[train].astype(np.float32) / 255)
    assert_same(first, [keras.ops.convert_to_numpy(w) for w in by_hand.non_trainable_weights])


class Noticing(keras.layers.Layer):
    def adapt(self, pixels):
        self.shown = pixels

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_layers_are_shown_images_from_first_to_last(dtype):
    layer = Noticing()
    inner = keras.Sequential([keras.Input((1, 1, 1)), layer])
    model = keras.Sequential([keras.Input((1, 1, 1)), inner])
    index = np.arange(100, 12_100)
    images = (np.arange(13_000) // 51).astype(dtype).reshape(-1, 1, 1, 1)  # 0 to 254
    adapt_layers(model, images, index)
    scale = 255 if dtype == np.uint8 else 1
    assert layer.shown.shape == (5000, 1, 1, 1)
    assert layer.shown.dtype == np.float32
    np.testing.assert_allclose(layer.shown[[0, -1], 0, 0, 0] * scale, [1, 12_099 // 51])
    steps = np.diff(layer.shown[..., 0, 0, 0] * scale)
    assert steps.min() >= 0
    assert steps.max() <= 1.001
    adapt_layers(model, images, index[:3])
    assert len(layer.shown) == 3


def test_whitening_makes_no_float_copy_of_all_images():
    images = np.zeros((30_000, 16, 16, 3), np.uint8)
    images[::2] = 1
    model = keras.Sequential([keras.Input((16, 16, 3)), Whitening()])
    adapt_layers(model, images[:10], np.arange(10))  # what is imported on first use
    tracemalloc.start()
    try:
        adapt_layers(model, images, np.arange(len(images)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * 4 * images.size  # half of what a copy in float32 would take


# --- batches ----------------------------------------------------------------------------------


def epochs_of(batches, n_epochs):
    """Images and targets of each epoch, in the order of the samples."""
    epochs = []
    for _ in range(n_epochs):
        drawn = [batches[position] for position in range(len(batches))]
        images, target = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
        order = np.argsort(target)
        epochs.append((images[order], target[order]))
        batches.on_epoch_end()
    return epochs


def test_alternating_mirrors():
    images = np.random.default_rng(0).integers(0, 256, (200, 3, 4, 1), dtype=np.uint8)
    kept = images.copy()
    batches = BatchSequence(
        images, np.arange(200), 32, target=np.arange(200), seed=0, mirrors=True
    )
    epochs = [drawn for drawn, _ in epochs_of(batches, 4)]
    is_mirrored = (epochs[0] == kept[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 70 < is_mirrored.sum() < 130
    np.testing.assert_array_equal(epochs[0][~is_mirrored], kept[~is_mirrored])
    np.testing.assert_array_equal(epochs[1], epochs[0][:, :, ::-1])
    np.testing.assert_array_equal(epochs[2], epochs[0])
    np.testing.assert_array_equal(epochs[3], epochs[1])
    np.testing.assert_array_equal(images, kept)


def test_without_an_order_of_its_own_nothing_is_mirrored():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    batches = BatchSequence(images, np.arange(2), 2, target=np.arange(2), mirrors=True)
    np.testing.assert_array_equal(batches[0][0], images)


@pytest.mark.parametrize(
    ("n", "drop_last", "sizes"),
    [
        (10, False, [4, 4, 2]),
        (10, True, [4, 4]),
        (8, True, [4, 4]),
        (3, True, [3]),  # never nothing at all
        (3, False, [3]),
    ],
)
def test_what_is_left_over(n, drop_last, sizes):
    images = np.zeros((n, 2, 2, 1), np.uint8)
    batches = BatchSequence(
        images, np.arange(n), 4, target=np.arange(n), seed=0, drop_last=drop_last
    )
    assert [len(batches[position][1]) for position in range(len(batches))] == sizes
    used = {tuple(target) for _, target in epochs_of(batches, 6)}
    assert (len(used) > 1) == (sum(sizes) < n)  # another part is left out every time


@pytest.mark.parametrize("flip", [True, False])
def test_a_fit_shows_every_image_both_ways_or_never_mirrored(flip, monkeypatch):
    X = np.full((64, 8, 8, 1), 100, np.uint8)
    X[:, :, 0, 0] = np.arange(64)[:, np.newaxis]
    X[:, :, -1] = 255
    made = recorded_batches(monkeypatch)
    tiny(width=1, epochs=2, flip=flip).fit(X, np.arange(64) % 2)
    seen = np.concatenate(made[0].seen)[:, 0, :, 0]
    ways = {(int(row.min()), bool(row[0] == 255)) for row in seen}
    assert ways == {(i, way) for i in range(64) for way in ([False, True] if flip else [False])}


# --- test-time augmentation -------------------------------------------------------------------


def logits(classifier, images):
    return np.log(classifier.model_.predict(images, verbose=0).astype(np.float64))


def shifts(images):
    """A pixel down and right, and a pixel up and left, cut out of a reflected border."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    return [padded[:, :-2, :-2], padded[:, 2:, 2:]]


def test_no_view_but_the_image_is_the_network(data, plain):
    expected = plain.model_.predict(data[0], verbose=0)
    np.testing.assert_allclose(plain.predict_proba(data[0], tta="none"), expected, rtol=1e-5)


def test_both_ways_are_the_same_for_a_mirrored_image(data, plain):
    X, mirrored = data[0], data[0][:, :, ::-1]
    both = plain.predict_proba(X, tta="flip")
    np.testing.assert_allclose(plain.predict_proba(mirrored, tta="flip"), both, rtol=1e-5)
    expected = softmax((logits(plain, X) + logits(plain, mirrored)) / 2, axis=1)
    np.testing.assert_allclose(both, expected, rtol=1e-5)
    assert not np.allclose(plain.predict_proba(mirrored, tta="none"), both, rtol=1e-3)


def test_shifted_views_are_half_of_the_average(data, plain):
    X, mirrored = data[0], data[0][:, :, ::-1]
    centred = (logits(plain, X) + logits(plain, mirrored)) / 2
    shifted = np.mean([logits(plain, x) for x in (*shifts(X), *shifts(mirrored))], axis=0)
    expected = softmax((centred + shifted) / 2, axis=1)
    np.testing.assert_allclose(plain.predict_proba(X, tta="flip_shift"), expected, rtol=1e-5)
    np.testing.assert_allclose(plain.predict_proba(X), expected, rtol=1e-5)  # the default


def test_what_must_not_be_mirrored_is_only_shifted(data, plain):
    X = data[0]
    upright = pickle.loads(pickle.dumps(plain)).set_params(flip=False)
    np.testing.assert_array_equal(
        upright.predict_proba(X, tta="flip"), upright.predict_proba(X, tta="none")
    )
    expected = logits(plain, X) / 2 + sum(logits(plain, x) for x in shifts(X)) / 4
    np.testing.assert_allclose(
        upright.predict_proba(X, tta="flip_shift"), softmax(expected, axis=1), rtol=1e-5
    )


def test_augmentation_goes_before_it_and_views_reach_it_through_a_pipeline(data, plain):
    X, y = data
    pipeline = make_pipeline(RandomTranslation(0.1, 0.1), MixUp(), tiny(epochs=2)).fit(X, y)
    last = pipeline[-1]
    assert not np.array_equal(last.model_.get_weights()[-1], plain.model_.get_weights()[-1])
    seen = {}
    for tta in ("none", "flip", "flip_shift"):
        seen[tta] = pipeline.predict_proba(X, tta=tta)
        np.testing.assert_array_equal(seen[tta], last.predict_proba(X, tta=tta))
        best = last.classes_[seen[tta].argmax(axis=1)]
        np.testing.assert_array_equal(pipeline.predict(X, tta=tta), best)
    np.testing.assert_array_equal(pipeline.predict_proba(X), seen["flip_shift"])
    pipeline.set_params(fastcnnclassifier__tta="none")
    np.testing.assert_array_equal(pipeline.predict_proba(X), seen["none"])
    assert not np.array_equal(seen["none"], seen["flip"])


# --- optimiser, schedule, lookahead -----------------------------------------------------------


def test_triangular():
    schedule = Triangular(2.0, 100)
    restored = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    steps = np.arange(121)  # those after the end go on at its rate
    expected = np.interp(steps, [0, 23, 100], [0.4, 2.0, 0.14])
    for rate in (schedule, restored):
        rates = [float(keras.ops.convert_to_numpy(rate(step))) for step in steps]
        np.testing.assert_allclose(rates, expected, rtol=1e-5)


@pytest.mark.parametrize("loss_scale", [None, 512.0])
def test_biased_sgd_by_hand(loss_scale):
    rng = np.random.default_rng(0)
    start = {"kernel": rng.normal(size=3), "beta": rng.normal(size=2)}
    curvature = {"kernel": np.array([1.0, 2.0, 0.5]), "beta": np.array([0.02, 0.01])}
    mu, decay, bias_rate, n_steps = 0.85, 0.05, 64.0, 8
    variables = [keras.Variable(value, name=name) for name, value in start.items()]
    optimizer = BiasedSGD(
        Triangular(0.3, n_steps),
        bias_rate,
        momentum=mu,
        nesterov=True,
        weight_decay=decay,
        loss_scale_factor=loss_scale,
    )
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    optimizer.build(variables)
    velocity = {name: np.zeros_like(value) for name, value in start.items()}
    by_hand = {name: value.copy() for name, value in start.items()}
    for step in range(n_steps):
        optimizer.apply(
            [
                keras.ops.array(curvature[v.name], "float32") * v * (loss_scale or 1)
                for v in variables
            ]
        )
        rate = 0.3 * np.interp(step / n_steps, [0, 0.23, 1], [0.2, 1, 0.07])
        for name, value in by_hand.items():
            factor = bias_rate if name == "beta" else 1
            push = rate * factor * curvature[name] * value
            velocity[name] = mu * velocity[name] - push
            by_hand[name] = value - rate * decay * value + mu * velocity[name] - push
    for variable in variables:
        np.testing.assert_allclose(variable, by_hand[variable.name], rtol=1e-4, atol=1e-6)


def test_a_bias_rate_of_one_is_plain_sgd():
    ours, plain_sgd = (keras.Variable([1.0, 2.0], name="beta") for _ in range(2))
    for variable, make in ((ours, BiasedSGD), (plain_sgd, keras.optimizers.SGD)):
        options = {"bias_rate": 1.0} if make is BiasedSGD else {}
        optimizer = make(0.1, momentum=0.9, nesterov=True, **options)
        for _ in range(3):
            optimizer.apply([keras.ops.array([0.3, -0.2])], [variable])
    np.testing.assert_array_equal(ours, plain_sgd)


@pytest.mark.parametrize("n_done", [10, 7])
def test_lookahead_by_hand(n_done):
    """Weights move by known steps; every second step pulls them to the average."""
    n_steps, every, decay = 10, 2, 0.9
    network = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    trainer = TrainingModel(network, scale=1.0, augmentation=None, label_smoothing=0.0)
    lookahead = Lookahead(n_steps, every, decay)
    lookahead.set_model(trainer)
    rng = np.random.default_rng(0)
    expected = [keras.ops.convert_to_numpy(w).astype(np.float64) for w in network.weights]
    assert len(expected) == 4  # moving mean and variance too
    slow = None
    for step in range(1, n_done + 1):
        moves = [rng.normal(size=w.shape) for w in expected]
        for weight, move in zip(network.weights, moves, strict=True):
            weight.assign_add(move.astype(np.float32))
        expected = [w + move for w, move in zip(expected, moves, strict=True)]
        lookahead.on_train_batch_end(step - 1)
        if step % every == 0:
            d = decay * (step / n_steps) ** 3
            slow = slow or expected  # begins at the first pull
            slow = [d * s + (1 - d) * w for s, w in zip(slow, expected, strict=True)]
            expected = slow
    lookahead.on_train_end()
    if n_done < n_steps:  # stopped early, in between two pulls
        assert not np.allclose(expected[0], slow[0])
    for weight, value in zip(network.weights, expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-6)


def test_training_ends_on_the_average():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    trainer = TrainingModel(network, scale=1.0, augmentation=None, label_smoothing=0.0)
    lookahead = Lookahead(3, 2, 0.5)
    lookahead.set_model(trainer)
    for step in range(3):
        network.weights[0].assign([[float(step)]])
        lookahead.on_train_batch_end(step)
    assert float(network.get_weights()[0][0, 0]) == 2.0
    lookahead.on_train_end()
    assert float(network.get_weights()[0][0, 0]) == 1.0  # as of the only pull


# --- parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimators_unfitted,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_param_validation,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_of_scikit_learn_that_need_no_images(check):
    check("FastCNNClassifier", FastCNNClassifier())


def test_params_round_trip_through_clone(data, plain):
    copy = clone(plain)
    assert copy.get_params() == plain.get_params()
    assert not hasattr(copy, "model_")
    copy.set_params(width=5, tta="none")
    assert plain.get_params()["width"] == SMALL["width"]
    assert plain.get_params()["tta"] == "flip_shift"
    for fixed in ("optimizer", "optimizer__momentum", "network", "widht"):
        with pytest.raises(InputError, match=f"no parameter '{fixed}'"):
            copy.set_params(**{fixed: 1})


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text
    return len(text) < 200


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tta": "flop"}, "'tta' parameter .* got 'flop'"),
        ({"precision": "float8"}, "'precision' parameter .* got 'float8'"),
        ({"crop": 8}, "crop=8 must be smaller than the images, which have 8×8 pixels"),
        ({"crop": -1}, "'crop' parameter"),
        ({"width": 0}, "'width' parameter"),
        ({"batch_size": "big"}, "'batch_size' parameter"),
        ({"momentum": 1.0}, "'momentum' parameter"),
        ({"image_shape": (7, 3, 3)}, "image_shape=.* does not fit"),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(data, params, message):
    with pytest.raises(ValueError, match=f"(?i){message}") as error:
        tiny(**params).fit(*data)
    assert one_sentence(error)


def test_bad_input_is_refused_in_a_sentence(data, plain):
    with pytest.raises(InputError, match="tta must be one of none, flip, flip_shift") as error:
        plain.predict(data[0], tta="flop")
    assert one_sentence(error)
    with pytest.raises(InputError, match="at least 4×4") as error:
        tiny().fit(data[0][:, :3], data[1])
    assert one_sentence(error)
    with pytest.raises(InputError, match="set image_shape=") as error:
        tiny().fit(data[0].reshape(96, -1), data[1])
    assert one_sentence(error)
    with pytest.raises(InputError, match="precision must be auto, float32") as error:
        get_network("fast").build((8, 8, 1), 10, precision="float8")
    assert one_sentence(error)


# --- going on, files --------------------------------------------------------------------------


def test_pickle_and_save_keep_everything(data, plain, tmp_path):
    X, _ = data
    plain.save(tmp_path)
    for other in (pickle.loads(pickle.dumps(plain)), FastCNNClassifier.load(tmp_path)):
        for tta in ("none", "flip_shift"):
            expected = plain.predict_proba(X, tta=tta)
            np.testing.assert_array_equal(other.predict_proba(X, tta=tta), expected)
        assert other.get_params() == plain.get_params()
        assert other.history_ == plain.history_
        assert_same(whitening_weights(other), whitening_weights(plain))
        assert other.model_.optimizer.get_config() == plain.model_.optimizer.get_config()


def test_partial_fit_goes_on_and_whitens_no_more(data, plain, tmp_path):
    X, y = data
    plain.save(tmp_path)
    loaded = FastCNNClassifier.load(tmp_path).partial_fit(255 - X[:50], y[:50])
    assert loaded.n_epochs_ == plain.n_epochs_ + 1
    assert_same(whitening_weights(loaded), whitening_weights(plain))
    assert not np.array_equal(loaded.predict_proba(X), plain.predict_proba(X))


def test_the_first_partial_fit_whitens(data):
    X, y = data
    classifier = tiny().partial_fit(X[:33], y[:33], classes=np.unique(y))
    by_hand = Whitening()
    by_hand.build((None, 8, 8, 1))
    by_hand.adapt(X[:33].astype(np.float32) / 255)
    before = whitening_weights(classifier)
    assert_same(before, [keras.ops.convert_to_numpy(w) for w in by_hand.non_trainable_weights])
    losses = [classifier.partial_fit(X, y).history_["loss"][-1] for _ in range(3)]
    assert losses[-1] < losses[0]
    assert_same(whitening_weights(classifier), before)


def test_warm_start_goes_on_and_whitens_no_more(data):
    X, y = data
    classifier = tiny(width=4, epochs=3, flip=False, warm_start=True).fit(X, y)
    before, loss = whitening_weights(classifier), classifier.history_["loss"][0]
    classifier.fit(X // 2, y)
    assert classifier.n_epochs_ == 6
    assert_same(whitening_weights(classifier), before)
    assert classifier.history_["loss"][3] < loss


# --- evaluation -------------------------------------------------------------------------------


def test_cross_validation_of_the_registered_model(data):
    X, y = data
    model = make_model("fast", augment="light")
    assert isinstance(model[-1], FastCNNClassifier)
    model.set_params(**{f"classifier__{name}": value for name, value in SMALL.items()})
    (split,) = make_splits(y, n_folds=2)[:1]
    result = cross_validate_oof(model, X, y, cv=[split])
    assert not result.failed
    by_hand = clone(model).fit(X[split.train], y[split.train]).predict_proba(X[split.test])
    np.testing.assert_allclose(result.folds[0].proba, by_hand, rtol=1e-6)
