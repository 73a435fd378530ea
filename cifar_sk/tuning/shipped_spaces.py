"""The search spaces that come with the library, for 10 to 50 epochs on CIFAR-10."""

from __future__ import annotations

from typing import Any

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.params import PASSTHROUGH
from cifar_sk.tuning.spaces import SearchSpace

__all__ = ["SPACES", "augmentation_policy", "space_for"]

# Every space of a network holds the defaults of its classifier, so that a study can begin there
# and says by how much it beats them.
SPACES: dict[str, dict[str, Any]] = {
    "ann": {
        "classifier__hidden_units": [[256], [512], [1024], [512, 256], [1024, 512], [3000, 1000]],
        "classifier__dropout": {"low": 0.0, "high": 0.6, "step": 0.1},
        "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "classifier__batch_size": [32, 64, 128, 256],
        # No sgd: its momentum would have to be a parameter of its own, which the others lack,
        # and without one it does not learn at these rates.
        "classifier__optimizer": ["adam", "adamw", "nadam", "rmsprop"],
    },
    "cnn": {
        "classifier__widths": [[16, 32, 64], [32, 64], [32, 64, 128], [64, 128], [48, 96, 192]],
        "classifier__kernel_size": [3, 5],
        "classifier__convs_per_block": [1, 2],
        "classifier__dropout": {"low": 0.0, "high": 0.5, "step": 0.05},
        "classifier__l2": {"low": 1e-6, "high": 1e-2, "log": True},
        "classifier__activation": ["relu", "gelu", "swish"],
        "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "classifier__schedule": ["constant", "cosine", "one_cycle", "reduce_on_plateau"],
        "classifier__batch_size": [32, 64, 128],
    },
    "fast": {
        "classifier__width": [16, 32, 48, 64],
        "classifier__learning_rate": {"low": 0.2, "high": 2.0, "log": True},
        "classifier__weight_decay": {"low": 1e-3, "high": 3e-2, "log": True},
        "classifier__label_smoothing": {"low": 0.0, "high": 0.3, "step": 0.1},
        "classifier__crop": [0, 1, 2, 3],
        "classifier__activation": ["relu", "gelu", "swish"],
    },
    "augmentation": {
        "randomflip": ["passthrough", "flip"],
        "randomcrop": ["passthrough", "crop:2", "crop:4"],
        "randomrotation": ["passthrough", "rotate:5", "rotate:15"],
        "randomzoom": ["passthrough", "zoom:0.1", "zoom:0.2"],
        "randomcontrast": ["passthrough", "contrast:0.2", "contrast:0.4"],
        "randomerasing": ["passthrough", "erase:0.25", "erase:0.5"],
        "mixup": ["passthrough", "mixup:0.1", "mixup:0.2"],
        "cutmix": ["passthrough", "cutmix:0.5", "cutmix:1.0"],
    },
    "training": {
        "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "classifier__schedule": ["constant", "cosine", "one_cycle", "reduce_on_plateau"],
        "classifier__batch_size": [32, 64, 128],
    },
}


def space_for(model: str) -> SearchSpace:
    """Return the shipped space of a model: its own, or that of any network's training.

    >>> space_for("vgg").names
    ('classifier__learning_rate', 'classifier__schedule', 'classifier__batch_size')
    """
    from cifar_sk.pipelines.models import model_names

    known = model_names()
    if model not in known:
        raise InputError(f"There is no model {model!r}{did_you_mean(model, known)}.")
    if model not in NETWORKS:
        raise InputError(
            f"Model {model!r} has no network, and so no space of its own; name one by --space "
            'FILE.toml, with lines such as classifier__strategy = ["prior", "uniform"].'
        )
    return SearchSpace(SPACES.get(model, SPACES["training"]))


def augmentation_policy(space: SearchSpace) -> str:
    """Write the policy of the steps that a space names: the first operation of each, or none."""
    steps = [
        next((text for text in choices if text != PASSTHROUGH), "")
        for choices in space.operations.values()
    ]
    return ",".join(filter(None, steps)) or "none"
