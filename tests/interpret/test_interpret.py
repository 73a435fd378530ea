"""Explanations are checked against what is known of networks made by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from cifar_sk import ANNClassifier, FastCNNClassifier, InputError, KerasImageClassifier
from cifar_sk.backend.operations import value_and_gradient
from cifar_sk.displays import MaximisationDisplay
from cifar_sk.interpret import (
    METHODS,
    applicable_methods,
    attribution_maps,
    filter_activations,
    first_layer_filters,
    grad_cam,
    hidden_layer,
    integrated_gradients,
    last_feature_maps,
    logits,
    maximise_class,
    maximise_filter,
    occlusion,
    randomisation_check,
    saliency,
    smooth_grad,
)
from cifar_sk.networks import NETWORKS


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((5, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def linear():
    """Softmax regression on 8×8×3 pixels."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(4, activation="softmax")]
    )


@pytest.fixture(scope="module")
def curved():
    """A small convolutional network, nested as the classifiers' are."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="conv")(x)
    x = layers.Dense(16, activation="gelu")(layers.Flatten()(x))
    outputs = layers.Dense(4, activation="softmax", kernel_initializer="normal")(x)
    network = keras.Model(inputs, outputs)
    outer = keras.Input((8, 8, 3))
    return keras.Model(outer, network(layers.Rescaling(2.0, offset=-1.0)(outer)))


@pytest.fixture(scope="module")
def fast(digits):
    images, target = digits
    classifier = FastCNNClassifier(
        width=4, flip=True, crop=1, epochs=2, precision="bfloat16", random_state=0
    )
    return classifier.fit(images, target)


def test_logits_are_what_the_softmax_is_computed_from(curved, images):
    z = logits(curved, images)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        e / e.sum(1, keepdims=True), curved.predict(images, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("end", ["softmax layer", "activation", "no softmax layer"])
def test_logits_of_any_ending(images, end):
    inputs = keras.Input((8, 8, 3))
    x = layers.Dense(3)(layers.Flatten()(inputs))
    outputs = {
        "softmax layer": lambda: layers.Softmax()(x),
        "activation": lambda: layers.Activation("softmax")(x),
        "no softmax layer": lambda: keras.ops.softmax(x),
    }[end]()
    expected = keras.Model(inputs, x).predict(images, verbose=0)
    if end == "no softmax layer":
        expected = expected - expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(logits(keras.Model(inputs, outputs), images), expected, atol=2e-5)


@pytest.mark.parametrize("start", ["operation", "branch", "nested without a graph"])
def test_a_rescaling_that_does_not_read_the_input_alone_stays(images, start):
    inputs = keras.Input((8, 8, 3))
    x = {
        "operation": lambda: layers.Rescaling(2.0)(inputs - 0.5),
        "branch": lambda: layers.Concatenate()([layers.Rescaling(2.0)(inputs), inputs]),
        "nested without a graph": lambda: Subclassed()(inputs),
    }[start]()
    model = keras.Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(x)))
    z = logits(model, images)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), expected, rtol=1e-5)


class Subclassed(keras.Model):
    """Two layers that no graph shows."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Rescaling(3.0), layers.Conv2D(2, 3)

    def call(self, x):
        return self.second(self.first(x))


def test_saliency_of_a_linear_model_is_its_weights(linear, images):
    weights = linear.layers[-1].get_weights()[0].reshape(8, 8, 3, 4)
    for label in range(4):
        gradient = saliency(linear, images, label)
        np.testing.assert_allclose(gradient, [weights[..., label]] * 5, rtol=1e-5)


def test_saliency_is_the_slope_of_the_logit(curved, images):
    step = np.zeros_like(images[:1])
    step[0, 3, 4, 1] = 1e-2  # in pixels; the network sees twice as much
    above, below = logits(curved, images[:1] + step), logits(curved, images[:1] - step)
    gradient = saliency(curved, images[:1], 2)[0, 3, 4, 1]
    assert gradient == pytest.approx((above - below)[0, 2] / 4e-2, rel=0.02)


def test_the_logits_gradient_survives_where_the_probabilitys_vanishes(images):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    kernel = np.zeros((192, 2), np.float32)
    kernel[:, 0] = 1  # logits of about 96 and 0
    model.layers[-1].set_weights([kernel, np.zeros(2)])
    assert model.predict(images, verbose=0)[:, 0].min() == 1
    _, vanished = value_and_gradient(lambda x: model(x)[:, 0])(images)
    assert np.abs(vanished).max() == 0
    np.testing.assert_allclose(saliency(model, images), 1)


def test_uint8_pixels_and_their_unit(digits):
    X, y = digits
    classifier = ANNClassifier(hidden_units=(), epochs=1, random_state=0).fit(X, y)
    weights = classifier.model_.layers[-1].get_weights()[0].reshape(8, 8, 1, 10)
    gradient = saliency(classifier, X[:2], [3, 7])  # per 255 levels, as the network sees them
    np.testing.assert_allclose(gradient, [weights[..., 3], weights[..., 7]], rtol=1e-5)
    brighter = logits(classifier, X[:2] + np.uint8(1)) - logits(classifier, X[:2])
    expected = gradient.sum(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(brighter[[0, 1], [3, 7]], expected, rtol=1e-2, atol=1e-5)


def test_smooth_grad_without_noise_is_saliency(curved, images):
    smooth = smooth_grad(curved, images, n_samples=2, noise_level=0)
    np.testing.assert_allclose(smooth, saliency(curved, images), rtol=1e-5, atol=1e-7)


def test_smooth_grad_depends_on_its_seed_alone(curved, images):
    first = smooth_grad(curved, images, n_samples=3, random_state=1)
    np.testing.assert_array_equal(first, smooth_grad(curved, images, n_samples=3, random_state=1))
    assert not np.allclose(first, smooth_grad(curved, images, n_samples=3, random_state=2))


@pytest.mark.parametrize("baseline", [0, 0.5, "image"])
def test_integrated_gradients_are_complete(curved, images, baseline):
    start = images[::-1] if baseline == "image" else np.full_like(images, baseline)
    labels = np.array([0, 1, 2, 3, 0])
    attribution = integrated_gradients(
        curved, images, labels, baseline=images[::-1] if baseline == "image" else baseline
    )
    difference = (logits(curved, images) - logits(curved, start))[np.arange(5), labels]
    total = attribution.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(total, difference, atol=0.01 * np.abs(difference).max())


def test_integrated_gradients_of_a_linear_model_are_exact(linear, images):
    weights = linear.layers[-1].get_weights()[0].reshape(8, 8, 3, 4)
    attribution = integrated_gradients(linear, images, 1, baseline=0.25, n_steps=1)
    np.testing.assert_allclose(
        attribution, (images - 0.25) * weights[..., 1], rtol=1e-4, atol=1e-6
    )


def test_occlusion_finds_a_planted_patch():
    model = keras.Sequential(
        [
            keras.Input((12, 16, 1)),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", kernel_initializer="ones", name="sum"),
        ]
    )
    model.get_layer("sum").set_weights([np.tile([1.0, 0.0], (12, 1)), np.zeros(2)])
    image = np.zeros((1, 12, 16, 1), np.float32)
    image[0, 4:8, 8:12] = 1
    loss = occlusion(model, image, 0, size=4, stride=1, fill=0)
    assert loss.shape == (1, 12, 16)
    peak = np.unravel_index(loss[0].argmax(), (12, 16))
    assert peak[0] in range(4, 8)
    assert peak[1] in range(8, 12)
    assert not loss[0, :1].any()
    assert not loss[0, :, :5].any()


def test_occlusion_of_a_linear_model_by_hand(linear, images):
    weights = linear.layers[-1].get_weights()[0].reshape(8, 8, 3, 4)[..., 3]
    # Squares that tile the image: each pixel has the loss of its own square.
    loss = occlusion(linear, images, 3, size=4, stride=4, fill=0.5)
    change = ((images - 0.5) * weights).sum(axis=-1).reshape(5, 2, 4, 2, 4).sum(axis=(2, 4))
    np.testing.assert_allclose(loss, np.kron(change, np.ones((4, 4))), rtol=1e-3, atol=1e-5)


def test_grad_cam_of_known_maps():
    inputs = keras.Input((4, 4, 2))
    maps = layers.Conv2D(2, 1, use_bias=False, activation="relu", name="maps")(inputs)
    pooled = layers.GlobalAveragePooling2D()(maps)
    outputs = layers.Dense(2, activation="softmax", name="head")(pooled)
    model = keras.Model(inputs, outputs)
    model.get_layer("maps").set_weights([np.eye(2).reshape(1, 1, 2, 2)])
    model.get_layer("head").set_weights([np.array([[3.0, 0.0], [-1.0, 2.0]]), np.zeros(2)])
    image = np.random.default_rng(0).random((1, 4, 4, 2)).astype(np.float32)
    a, b = image[0, ..., 0], image[0, ..., 1]
    # The mean over 16 places has the slope 1/16 at each of them.
    expected = np.maximum(3 * a - b, 0) / 16
    np.testing.assert_allclose(grad_cam(model, image, 0)[0], expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(grad_cam(model, image, 1)[0], 2 * b / 16, rtol=1e-4)


def test_grad_cam_reaches_into_a_nested_model(curved, images):
    assert last_feature_maps(curved) == "conv"
    cam = grad_cam(curved, images)
    assert cam.shape == (5, 8, 8)
    assert (cam >= 0).all()
    assert cam.any()
    np.testing.assert_array_equal(cam, grad_cam(curved, images, layer="conv"))


def test_a_layer_that_is_used_twice_has_no_maps_of_its_own(images):
    inputs, relu = keras.Input((8, 8, 3)), layers.ReLU(name="twice")
    x = relu(layers.Conv2D(2, 3, name="early")(inputs))
    x = relu(layers.Conv2D(4, 3, name="late")(x))
    model = keras.Model(inputs, layers.Dense(2, "softmax")(layers.Flatten()(x)))
    assert last_feature_maps(model) == "late"
    assert grad_cam(model, images).shape == (5, 8, 8)
    with pytest.raises(InputError, match="'twice' is used in several places"):
        grad_cam(model, images, layer="twice")


def test_the_last_maps_are_those_behind_the_activation():
    assert last_feature_maps(NETWORKS["resnet"].build((8, 8, 3), 4, depth=8)).startswith("activ")
    assert last_feature_maps(NETWORKS["cnn"].build((8, 8, 3), 4)).startswith("conv2d")


@pytest.fixture(scope="module")
def trained(digits):
    return ANNClassifier(hidden_units=(32,), epochs=15, random_state=0).fit(*digits)


def test_class_maximisation_beats_noise_and_natural_images(trained, digits):
    X, classifier = digits[0], trained
    best = maximise_class(classifier, n_steps=64)
    assert best.shape == (10, 8, 8, 1)
    assert best.dtype == np.uint8
    reached = np.diag(logits(classifier, best))
    noise = np.random.default_rng(0).integers(0, 256, X.shape, dtype=np.uint8)
    assert (reached > logits(classifier, noise).max(axis=0)).all()
    assert (reached > logits(classifier, X).max(axis=0)).all()
    np.testing.assert_array_equal(best[[3]], maximise_class(classifier, [3], n_steps=64))


def test_filter_maximisation_beats_noise(curved, images):
    best = maximise_filter(curved, "conv", [0, 4], n_steps=40, value_range=(0, 1))
    reached = filter_activations(curved, best, "conv")[[0, 1], [0, 4]]
    assert (reached > 1.5 * filter_activations(curved, images, "conv").max(axis=0)[[0, 4]]).all()
    assert best.min() >= 0
    assert best.max() <= 1


def test_smoothness_makes_smooth_images(linear):
    rough, smooth = (
        np.abs(np.diff(maximise_class(linear, [0], n_steps=30, smoothness=s), axis=2)).mean()
        for s in (0, 10)
    )
    assert smooth < rough / 2


def test_filters_are_the_kernel(linear, curved):
    kernel = curved.layers[-1].get_layer("conv").get_weights()[0]
    np.testing.assert_array_equal(first_layer_filters(curved), kernel.transpose(3, 0, 1, 2))
    weights = linear.layers[-1].get_weights()[0]
    filters = first_layer_filters(linear)
    assert filters.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(filters[2].ravel(), weights[:, 2])


def test_hidden_layers(linear, curved):
    assert hidden_layer(linear) is None
    assert hidden_layer(curved) == ("conv", 6)
    assert hidden_layer(NETWORKS["ann"].build((4, 4, 1), 3, hidden_units=(7, 5)))[1] == 5


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_of_one_gets_what_a_batch_of_many_gets(curved, images, method):
    labels = np.array([3, 1, 0, 2, 1])
    compute = METHODS[method].compute
    together = compute(curved, images, labels)
    assert together.dtype == np.float32
    alone = compute(curved, images[[4]], labels[[4]])
    np.testing.assert_allclose(alone, together[[4]], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "params"),
    [
        ("ann", {"hidden_units": (8,)}),
        ("cnn", {"widths": (4, 4)}),
        ("cnn-basic", {}),
        ("vgg", {"widths": (4, 4), "dense_units": (8,)}),
        ("resnet", {"depth": 8, "width": 4}),
        ("fast", {"width": 4}),
    ],
)
def test_every_network_is_explained(network, params):
    model = NETWORKS[network].build((16, 16, 3), 3, **params)
    images = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)
    methods = applicable_methods(model)
    assert ("grad_cam" in methods) == (network != "ann")
    # The others are loops around the gradient, or around prediction.
    used = methods if network == "fast" else [x for x in methods if x in {"saliency", "grad_cam"}]
    maps = attribution_maps(model, images, [0, 1], methods=used)
    for name, values in maps.items():
        assert values.shape == (2, 16, 16)
        assert np.isfinite(values).all()
        assert name == "grad_cam" or values.any()
    assert first_layer_filters(model).shape[-1] == 3


def test_test_time_augmentation_takes_part(fast, digits):
    X = digits[0][:6]
    z = logits(fast, X)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), fast.predict_proba(X), atol=2e-3)
    plain = logits(fast.model_, X.astype(np.float32))
    assert np.abs(plain - z).max() > 0.01


def test_a_bfloat16_network_is_explained_in_float32(fast, digits):
    X = digits[0][:4]
    attribution = integrated_gradients(fast, X, n_steps=32)
    assert attribution.dtype == np.float32
    z, black = logits(fast, X), logits(fast, 0 * X)
    column, row = z.argmax(axis=1), np.arange(4)
    difference = (z - black)[row, column]
    # bfloat16 has three digits.
    np.testing.assert_allclose(
        attribution.sum(axis=(1, 2, 3)), difference, atol=0.05 * np.abs(difference).max()
    )


def test_explaining_leaves_the_classifier_as_it_was(fast, digits, tmp_path):
    X = digits[0][:3]
    before = fast.predict_proba(X)
    attribution_maps(fast, X, methods=["saliency", "grad_cam"])
    maximise_class(fast, [1], n_steps=2)
    fast.save(tmp_path)
    np.testing.assert_array_equal(FastCNNClassifier.load(tmp_path).predict_proba(X), before)


def test_flattened_rows_and_string_labels(digits):
    X, y = digits
    names = np.array([f"d{label}" for label in y])
    rows = X.reshape(len(X), -1)
    classifier = KerasImageClassifier(
        "ann",
        image_shape=(8, 8, 1),
        epochs=1,
        random_state=0,
        network_params={"hidden_units": (8,)},
    ).fit(rows, names)
    gradient = saliency(classifier, rows[:2], ["d7", "d3"])
    expected = saliency(classifier.model_, X[:2].astype(np.float32), [7, 3])
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    with pytest.raises(InputError, match="got 'd77'"):
        saliency(classifier, rows[:2], "d77")


def test_maps_depend_on_the_weights(trained, digits):
    X, classifier = digits[0], trained
    changed = randomisation_check(saliency, classifier, X[:5])
    assert changed.shape == (5,)
    assert np.abs(changed).max() < 0.7
    # A detector of edges explains nothing of the network, and the check says so.
    edges = randomisation_check(lambda model, x, c: np.diff(x, axis=2), classifier, X[:5])
    np.testing.assert_allclose(edges, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: saliency(m, x[:, :4]), r"shape \(n, 8, 8, 3\)"),
        (lambda m, x: saliency(m, x, [1, 2]), "one for each of the 5 images"),
        (lambda m, x: saliency(m, x, 9), "got 9"),
        (lambda m, x: saliency("model", x), "got str"),
        (lambda m, x: smooth_grad(m, x, n_samples=0), "n_samples must be 1"),
        (lambda m, x: integrated_gradients(m, x, baseline=np.zeros((2, 2))), "baseline must"),
        (lambda m, x: occlusion(m, x, size=9), "size must be from 1 to 8"),
        (grad_cam, "this one has none"),
        (lambda m, x: grad_cam(m, x, layer="flaten"), "did you mean 'flatten"),
        (lambda m, x: maximise_class(m, n_steps=0), "n_steps must be 1"),
        (lambda m, x: maximise_filter(m, m.layers[-1].name, [4]), "from 0 to 3"),
        (lambda m, x: attribution_maps(m, x, methods=["salience"]), "did you mean 'saliency'"),
    ],
)
def test_what_cannot_be_used_is_named(linear, images, call, message):
    with pytest.raises(InputError, match=message):
        call(linear, images)


def test_labels_need_not_count_from_zero(digits):
    X, y = digits
    kept = np.isin(y, [2, 5, 9])
    classifier = ANNClassifier(hidden_units=(), epochs=1, random_state=0).fit(X[kept], y[kept])
    weights = classifier.model_.layers[-1].get_weights()[0].reshape(8, 8, 1, 3)
    np.testing.assert_allclose(saliency(classifier, X[:1], 9)[0], weights[..., 2], rtol=1e-5)
    display = MaximisationDisplay.from_estimator(classifier, classes=[9, 2], n_steps=3)
    assert display.frame()["name"].tolist() == ["9", "2"]
    reached = logits(classifier, display.images)[[0, 1], [2, 0]]
    np.testing.assert_allclose(display.frame()["activation"], reached)


def test_drawing_weights_anew_draws_those_of_identity_convolutions_too():
    model = NETWORKS["fast"].build((16, 16, 3), 3, width=4)
    drawn = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        drawn.append(keras.models.clone_model(model).get_weights())
    # Beyond the identity filters, which fill kernels with no more outputs than inputs; the first
    # kernel is the whitening layer's, computed from images.
    kernels = [(a, b) for a, b in zip(*drawn, strict=True) if a.ndim == 4][1:]
    widening = [(a, b) for a, b in kernels if a.shape[3] > a.shape[2]]
    assert widening
    assert not any(np.array_equal(a, b) for a, b in widening)


def test_rows_without_an_image_shape_are_refused(digits):
    X, y = digits
    classifier = ANNClassifier(hidden_units=(4,), epochs=1).fit(X.reshape(len(X), -1), y)
    with pytest.raises(InputError, match="image_shape="):
        first_layer_filters(classifier)
