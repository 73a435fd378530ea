"""What a builder may return: one image in, probabilities of the classes out."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.pipeline import make_pipeline

from cifar_sk import InputError, KerasImageClassifier
from cifar_sk.networks import get_network
from cifar_sk.networks.checks import _ends_in_softmax, check_network
from cifar_sk.pipelines.models import check_network as check_pipeline

SHAPE = (8, 8, 3)


def functional(*last, shape=SHAPE, outputs=1):
    inputs = keras.Input(shape)
    x = layers.Flatten()(inputs)
    for layer in last:
        x = layer(x)
    return keras.Model(inputs, x if outputs == 1 else [x] * outputs, name="mine")


def dense(activation=None, units=3):
    return layers.Dense(units, activation=activation)


class Net(keras.Model):
    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.last = keras.Sequential([layers.Flatten(), layers.Dense(n_classes, "softmax")])

    def call(self, images):
        return self.last(images)


REFUSED = {
    "logits": (lambda *_: functional(dense()), "no probabilities: .* sum to .*softmax"),
    "sigmoids": (lambda *_: functional(dense("sigmoid")), "no probabilities"),
    "logarithms": (lambda *_: functional(dense("log_softmax")), "no probabilities"),
    "not a number": (
        lambda *_: functional(dense("softmax"), layers.Rescaling(np.nan)),
        "no probabilities",
    ),
    "a softmax before the last layer": (
        lambda *_: functional(dense("softmax"), layers.Rescaling(2.0)),
        "sum to 2",
    ),
    "None": (lambda *_: None, "must return a keras.Model, got NoneType"),
    "no call": (lambda *_: Net, "must return a keras.Model, got type"),
    "unbuilt": (
        lambda *_: keras.Sequential([layers.Flatten(), dense("softmax")]),
        r"begin it with keras.Input\(input_shape\)",
    ),
    "subclassed": (Net, "Net, a subclassed model without a graph"),
    "two outputs": (
        lambda *_: functional(dense("softmax"), outputs=2),
        "one input and one output, got 1 and 2",
    ),
    "too many classes": (
        lambda *_: functional(dense("softmax", 4)),
        r"softmax over the 3 classes, got an output of shape \(None, 4\)",
    ),
    "other images": (
        lambda *_: functional(dense("softmax"), shape=(9, 9, 3)),
        r"images of shape \(8, 8, 3\), got an input of shape \(9, 9, 3\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name):
    build, message = REFUSED[name]
    images, labels = np.zeros((6, *SHAPE), np.uint8), np.arange(6) % 3
    classifier = KerasImageClassifier(build)
    with pytest.raises(InputError, match=message) as error:
        classifier.fit(images, labels)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=message):
        check_pipeline(make_pipeline(classifier), SHAPE, 3)


ACCEPTED = {
    "an activation": lambda: functional(dense(), layers.Activation("softmax")),
    "a layer": lambda: functional(dense(), layers.Softmax()),
    "an operation": lambda: functional(dense(), keras.ops.softmax),
    "a model": lambda: functional(keras.Sequential([keras.Input((192,)), dense("softmax")])),
    "a Sequential": lambda: keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), dense("softmax")]
    ),
    "any size": lambda: keras.Sequential(
        [keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), dense("softmax")]
    ),
    "a subclassed model, wrapped": lambda: keras.Model(
        inputs := keras.Input(SHAPE), Net(SHAPE, 3)(inputs)
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    check_network(ACCEPTED[name](), SHAPE, 3)


@pytest.mark.parametrize("name", ["ann", "cnn", "cnn-basic", "cnn-deep", "fast", "resnet", "vgg"])
def test_our_own_networks_are_believed_without_a_pass_through_them(name):
    network = get_network(name).build((16, 16, 3), 3)
    check_network(network, (16, 16, 3), 3)
    assert _ends_in_softmax(network)


def test_a_model_is_no_builder():
    classifier = KerasImageClassifier(functional(dense("softmax")))
    for call in (
        classifier.get_params,
        lambda: check_pipeline(make_pipeline(classifier), SHAPE, 3),
    ):
        with pytest.raises(InputError, match=r"network must be a function build.*object 'mine'"):
            call()


def test_a_builder_that_raises_is_one_sentence_on_the_command_line():
    def build(input_shape, n_classes):
        raise RuntimeError("a fault\nof my own")

    with pytest.raises(InputError, match="cannot be built: a fault of my own"):
        check_pipeline(make_pipeline(KerasImageClassifier(build)), SHAPE, 3)
