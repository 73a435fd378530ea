"""Networks as pure functions: hyperparameters in, uncompiled ``keras.Model`` out.

Every builder takes ``input_shape`` and ``n_classes`` and then keywords only. It expects pixels
in [0, 1] and ends in a softmax over the classes. The decorator that registers a builder also
holds the training recipe that its source used, so a new network is one module here, imported
below.
"""

from cifar_sk.networks.airbench import fast
from cifar_sk.networks.convolutional import cnn, cnn_basic, cnn_deep
from cifar_sk.networks.dense import ann
from cifar_sk.networks.registry import NETWORKS, Network, get_network, register
from cifar_sk.networks.residual import resnet
from cifar_sk.networks.vgg_style import vgg

__all__ = [
    "NETWORKS",
    "Network",
    "ann",
    "cnn",
    "cnn_basic",
    "cnn_deep",
    "fast",
    "get_network",
    "register",
    "resnet",
    "vgg",
]
