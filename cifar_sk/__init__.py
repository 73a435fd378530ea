"""Honest k-fold evaluation of image classifiers on the scikit-learn API.

Names load on first use (PEP 562): ``import cifar_sk`` imports neither Keras nor TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cifar_sk._version import __version__

if TYPE_CHECKING:
    from cifar_sk.augmentation import (
        CutMix,
        ImageResampler,
        MixUp,
        RandomContrast,
        RandomCrop,
        RandomErasing,
        RandomFlip,
        RandomRotation,
        RandomShear,
        RandomTranslation,
        RandomZoom,
        augmentation_steps,
    )
    from cifar_sk.comparison import compare_runs, conclusion
    from cifar_sk.datasets import load_dataset
    from cifar_sk.errors import InputError
    from cifar_sk.estimators import (
        ANNClassifier,
        CNNClassifier,
        FastCNNClassifier,
        KerasImageClassifier,
    )
    from cifar_sk.evaluation import cross_validate_oof
    from cifar_sk.finished_runs import read_run
    from cifar_sk.folds import make_splits
    from cifar_sk.metrics import fold_metrics
    from cifar_sk.pipelines import make_model
    from cifar_sk.report import write_report
    from cifar_sk.runs import RunFolder
    from cifar_sk.tuning import SearchSpace, StudySearchCV

_MODULES = {
    "augmentation": (
        "CutMix",
        "ImageResampler",
        "MixUp",
        "RandomContrast",
        "RandomCrop",
        "RandomErasing",
        "RandomFlip",
        "RandomRotation",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
        "augmentation_steps",
    ),
    "comparison": ("compare_runs", "conclusion"),
    "datasets": ("load_dataset",),
    "errors": ("InputError",),
    "estimators": (
        "ANNClassifier",
        "CNNClassifier",
        "FastCNNClassifier",
        "KerasImageClassifier",
    ),
    "evaluation": ("cross_validate_oof",),
    "finished_runs": ("read_run",),
    "folds": ("make_splits",),
    "metrics": ("fold_metrics",),
    "pipelines": ("make_model",),
    "report": ("write_report",),
    "runs": ("RunFolder",),
    "tuning": ("SearchSpace", "StudySearchCV"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "ANNClassifier",
    "CNNClassifier",
    "CutMix",
    "FastCNNClassifier",
    "ImageResampler",
    "InputError",
    "KerasImageClassifier",
    "MixUp",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "RunFolder",
    "SearchSpace",
    "StudySearchCV",
    "__version__",
    "augmentation_steps",
    "compare_runs",
    "conclusion",
    "cross_validate_oof",
    "fold_metrics",
    "load_dataset",
    "make_model",
    "make_splits",
    "read_run",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
