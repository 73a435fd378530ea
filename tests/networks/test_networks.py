"""Parameter counts against hand-computed ones, and what the builders refuse."""

import numpy as np
import pytest

from cifar_sk.errors import InputError
from cifar_sk.networks import NETWORKS, get_network

IMAGE = (32, 32, 3)


def conv(n_in, n_out, side=3, bias=True):
    return side * side * n_in * n_out + bias * n_out


def dense(n_in, n_out):
    return n_in * n_out + n_out


BATCH_NORM = 4  # gamma, beta, moving mean and moving variance, per channel

HAND_COMPUTED = {
    "ann": dense(3072, 3000) + dense(3000, 1000) + dense(1000, 10),
    "cnn-basic": conv(3, 32) + conv(32, 64) + dense(6 * 6 * 64, 64) + dense(64, 10),
    "cnn": conv(3, 32)
    + conv(32, 64)
    + conv(64, 128)
    + BATCH_NORM * (32 + 64 + 128)
    + dense(4 * 4 * 128, 256)
    + dense(256, 10),
    "cnn-deep": conv(3, 128)
    + conv(128, 256)
    + conv(256, 512)
    + conv(512, 512)
    + conv(512, 256)
    + dense(4 * 4 * 256, 512)
    + dense(512, 256)
    + dense(256, 128)
    + dense(128, 10),
    "vgg": conv(3, 64, bias=False)
    + conv(64, 64, bias=False)
    + conv(64, 128, bias=False)
    + conv(128, 128, bias=False)
    + conv(128, 256, bias=False)
    + conv(256, 256, bias=False)
    + BATCH_NORM * 2 * (64 + 128 + 256)
    + dense(4 * 4 * 256, 512)
    + dense(512, 10),
    # airbench94's 1.97 M, with the mean and standard deviation of three channels.
    "fast": conv(3, 24, side=2)
    + 2 * 3
    + conv(24, 64, bias=False)
    + conv(64, 64, bias=False)
    + conv(64, 256, bias=False)
    + 3 * conv(256, 256, bias=False)
    + 3 * (2 * 64 + 4 * 256)  # batch normalisations without gamma
    + 256 * 10,
    # 269,722 trainable weights is what the CIFAR ResNet-20 with option A shortcuts is known by
    # (0.27 M in table 6 of He et al.); the moving statistics of 688 channels come on top.
    "resnet": 269_722 + 2 * 688,
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_parameter_count(name):
    assert get_network(name).build(IMAGE, 10).count_params() == HAND_COMPUTED[name]


def test_the_notebook_variant_doubles_each_convolution():
    expected = (
        HAND_COMPUTED["cnn"]
        + conv(32, 32)
        + conv(64, 64)
        + conv(128, 128)
        + BATCH_NORM * (32 + 64 + 128)
    )
    assert get_network("cnn").build(IMAGE, 10, convs_per_block=2).count_params() == expected


def test_resnet_depth_counts_layers_with_weights():
    import keras

    model = get_network("resnet").build(IMAGE, 10, depth=32)
    weighted = [m for m in model.layers if isinstance(m, keras.layers.Conv2D | keras.layers.Dense)]
    assert len(weighted) == 32


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("shape", [(10, 10, 1), (28, 28, 1), (33, 35, 3)])
def test_any_image_size_and_class_count(name, shape):
    model = get_network(name).build(shape, 7)
    proba = model.predict(np.zeros((2, *shape), "float32"), verbose=0)
    assert proba.shape == (2, 7)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


def test_hyperparameters_reach_the_layers():
    import keras

    model = get_network("cnn").build(
        IMAGE,
        3,
        widths=(4,),
        activation="gelu",
        dropout=0.0,
        l2=0.0,
        kernel_initializer="he_normal",
    )
    convolution = next(m for m in model.layers if isinstance(m, keras.layers.Conv2D))
    assert convolution.filters == 4
    assert convolution.activation is keras.activations.gelu
    assert isinstance(convolution.kernel_initializer, keras.initializers.HeNormal)
    assert not model.losses


@pytest.mark.parametrize(
    ("name", "shape", "kwargs", "message"),
    [
        ("cnn", (4, 4, 3), {}, "halves the image 3 times"),
        ("cnn-basic", (9, 9, 3), {}, "at least 10×10"),
        ("cnn", (12,), {}, "image_shape="),
        ("resnet", IMAGE, {"depth": 21}, "6n \\+ 2"),
    ],
)
def test_refusals_are_one_sentence(name, shape, kwargs, message):
    with pytest.raises(InputError, match=message):
        get_network(name).build(shape, 10, **kwargs)


def test_unknown_network_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'resnet'"):
        get_network("resnt")
