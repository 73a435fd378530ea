"""Multiply-adds against hand counts and a published one."""

import keras
import pytest
from keras import layers

from cifar_sk import KerasImageClassifier
from cifar_sk.networks import NETWORKS
from cifar_sk.networks.costs import multiply_adds


def test_r0s_networks_by_hand():
    """Each convolution: places × filters × (3·3·channels); each dense layer: inputs × outputs."""
    cnn = NETWORKS["cnn-basic"].build((32, 32, 3), 10)
    assert multiply_adds(cnn) == 30**2 * 32 * 27 + 13**2 * 64 * 288 + 2304 * 64 + 64 * 10
    ann = NETWORKS["ann"].build((32, 32, 3), 10)
    assert multiply_adds(ann) == 3072 * 3000 + 3000 * 1000 + 1000 * 10


def test_airbench_costs_what_its_paper_says():
    """118 million (arXiv 2404.00498), for widths 64, 256, 256, the defaults."""
    network = NETWORKS["fast"].build((32, 32, 3), 10)
    assert network.count_params() == pytest.approx(1.97e6, rel=0.01)
    assert multiply_adds(network) == pytest.approx(118e6, rel=0.01)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(6, 3, strides=2, padding="same"), 4 * 5 * 6 * 9 * 4),
        (layers.Conv2D(6, 3, groups=2, padding="same"), 8 * 10 * 6 * 9 * 2),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 6 * 8 * 4 * 2 * 9),
        (layers.SeparableConv2D(6, 3), 6 * 8 * (4 * 9 + 4 * 6)),
        (layers.Dense(5), 8 * 10 * 4 * 5),
        (layers.MaxPooling2D(), 0),
        (layers.BatchNormalization(), 0),
        (layers.Conv2DTranspose(6, 3), None),
    ],
)
def test_layers_by_hand(layer, expected):
    assert multiply_adds(keras.Sequential([keras.Input((8, 10, 4)), layer])) == expected


def test_networks_within_networks_are_counted():
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 1)])
    inputs = keras.Input((8, 8, 3))
    outer = keras.Model(inputs, layers.Dense(4)(layers.Flatten()(inner(inputs))))
    assert multiply_adds(outer) == 64 * 2 * 3 + 128 * 4


def test_images_of_any_size_and_shared_layers_are_not_counted():
    assert (
        multiply_adds(keras.Sequential([keras.Input((None, 8, 3)), layers.Conv2D(2, 1)])) is None
    )
    inputs, shared = keras.Input((4,)), layers.Dense(4)
    assert multiply_adds(keras.Model(inputs, shared(shared(inputs)))) is None


class Scaled(keras.Model):
    """A network without a graph, whose weights are of a kind that nobody knows."""

    def __init__(self, n_classes):
        super().__init__()
        self.head = layers.EinsumDense("bhwc,cd->bd", output_shape=n_classes, activation="softmax")

    def call(self, x):
        return self.head(x)


def test_a_fitted_classifier_tells_its_costs_where_they_are_known(digits):
    X, y = digits[0][:40], digits[1][:40] % 2

    def unknown(input_shape, n_classes):
        inputs = keras.Input(input_shape)
        return keras.Model(inputs, Scaled(n_classes)(inputs))

    plain = {"epochs": 1, "early_stopping": False, "schedule": "constant", "random_state": 0}
    known = KerasImageClassifier("ann", network_params={"hidden_units": (5,)}, **plain).fit(X, y)
    assert known.n_multiply_adds_ == 64 * 5 + 5 * 2
    assert known.n_parameters_ == 64 * 5 + 5 + 5 * 2 + 2
    assert KerasImageClassifier(unknown, **plain).fit(X, y).n_multiply_adds_ is None
