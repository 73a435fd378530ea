"""The layers that Keras does not have, against NumPy and against Keras' own."""

import keras
import numpy as np
import pytest

from cifar_sk.networks.layers import BatchNormalization, Dirac, Whitening


@pytest.fixture
def images():
    # Neighbouring pixels and channels are alike, as in photographs, and blue is darker.
    rng = np.random.default_rng(0)
    noise = rng.random((200, 13, 11, 3), dtype=np.float32)
    smooth = noise[:, 1:, 1:] + noise[:, :-1, 1:] + noise[:, 1:, :-1] + noise[:, :-1, :-1]
    return (smooth + smooth.mean(-1, keepdims=True)) * [0.1, 0.1, 0.05]


def test_whitened_patches_are_uncorrelated(images):
    layer = Whitening()
    layer.build((None, *images.shape[1:]))
    layer.bias.assign(np.zeros(24))
    layer.adapt(images, epsilon=0.0)
    np.testing.assert_allclose(layer.mean, images.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(layer.std, images.std((0, 1, 2)), rtol=1e-5)
    whitened = np.asarray(layer(images.astype("float32")))
    assert whitened.shape == (200, 11, 9, 24)
    rows = whitened.reshape(-1, 24).astype(np.float64)
    np.testing.assert_allclose(rows[:, :12], -rows[:, 12:], atol=1e-5)
    np.testing.assert_allclose(rows[:, :12].T @ rows[:, :12] / len(rows), np.eye(12), atol=2e-3)


def test_epsilon_keeps_small_and_blank_patches_small(images):
    grey = np.full((10, 4, 4, 1), 0.3)
    layer = Whitening()
    layer.build((None, 4, 4, 1))
    layer.adapt(grey)
    assert np.isfinite(layer(grey.astype("float32"))).all()
    varied = Whitening()
    varied.build((None, *images.shape[1:]))
    varied.adapt(images, epsilon=1.0)
    values = np.linalg.norm(np.asarray(varied.kernel).reshape(12, 24), axis=0) ** -2 - 1
    # Filters are eigenvectors over √(λ + ε), so their norms tell the eigenvalues.
    assert np.all(np.diff(values[:12]) <= 1e-4)
    assert values[:12].sum() == pytest.approx(12, rel=0.05)  # the trace: 12 standardised pixels


def test_only_the_bias_of_the_whitening_is_trained():
    layer = Whitening()
    layer.build((None, 8, 8, 3))
    assert [weight.name for weight in layer.trainable_weights] == ["bias"]


def test_dirac_passes_on_the_channels():
    kernel = np.asarray(Dirac(seed=0)((3, 3, 4, 6)))
    convolution = keras.layers.Conv2D(6, 3, padding="same", use_bias=False)
    convolution.build((None, 5, 5, 4))
    convolution.kernel.assign(kernel)
    x = np.random.default_rng(0).random((2, 5, 5, 4), dtype=np.float32)
    passed = np.asarray(convolution(x))
    np.testing.assert_allclose(passed[..., :4], x, rtol=1e-6)
    assert np.abs(kernel[..., 4:]).max() <= 1 / 6  # 1 / √(3 · 3 · 4)
    assert np.abs(kernel[..., 4:]).min() > 0
    np.testing.assert_array_equal(kernel, Dirac(seed=0)((3, 3, 4, 6)))
    assert np.asarray(Dirac(seed=0)((3, 3, 6, 4))).sum() == 4


@pytest.mark.parametrize("scale", [True, False])
def test_batch_normalisation_is_keras_own(scale):
    import tensorflow as tf

    options = {"scale": scale, "momentum": 0.9, "epsilon": 1e-3}
    own, reference = BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(2, 3, (6, 5, 4, 3)).astype("float32"))
    weight = tf.constant(rng.normal(size=x.shape).astype("float32"))
    results = []
    for layer in (own, reference):
        layer.build(x.shape)
        layer.beta.assign([0.1, 0.2, 0.3])
        for _ in range(3):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
                loss = tf.reduce_sum(y * weight)
            gradients = tape.gradient(loss, [x, *layer.trainable_variables])
        results.append([y, *gradients, layer.moving_mean])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    n = 6 * 5 * 4  # ours keeps the unbiased variance
    rest = 0.9**3
    ours, theirs = (np.asarray(bn.moving_variance) - rest for bn in (own, reference))
    np.testing.assert_allclose(ours, theirs * n / (n - 1), rtol=1e-4)


def test_batch_normalisation_predicts_by_its_moving_statistics():
    layer = BatchNormalization(momentum=0.0)
    x = np.random.default_rng(0).normal(5, 2, (50, 4, 4, 2)).astype("float32")
    layer(x, training=True)
    predicted = np.asarray(layer(x, training=False))
    np.testing.assert_allclose(predicted.mean((0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(predicted.std((0, 1, 2)), 1, atol=2e-3)
