"""Fitted classifiers on disk: Keras' own model file, and JSON for the rest. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.estimators.training import generator_states

__all__ = ["load_classifier", "save_classifier"]

_FORMAT = 1


def save_classifier(classifier: Any, path: Path) -> None:
    """Write a fitted classifier to a folder.

    Parameters
    ----------
    classifier : BaseImageClassifier
        Fitted.
    path : Path
        Made where it is missing.
    """
    state = {
        "format": _FORMAT,
        "class": type(classifier).__name__,
        "params": classifier.get_params(deep=False),
        "classes": classifier.classes_.tolist(),
        "classes_dtype": classifier.classes_.dtype.str,
        "sample_shape": list(classifier._sample_shape),
        "is_uint8": bool(classifier._is_uint8),
        "history": classifier.history_,
        "entropy": classifier._entropy,
        "generators": generator_states(classifier.model_),
    }
    try:
        text = json.dumps(state, indent=1, default=lambda value: value.item())
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"{type(classifier).__name__} cannot be saved with parameters that are functions or "
            f"objects ({error}); register the network under a name, or pickle the classifier."
        ) from error
    path.mkdir(parents=True, exist_ok=True)
    classifier.model_.save(path / "model.keras")
    (path / "classifier.json").write_text(text, encoding="utf-8")


def load_classifier(cls: type, path: Path) -> Any:
    """Read a classifier from a folder.

    Parameters
    ----------
    cls : type
        The class that is expected, or a base of it.
    path : Path
        What `save_classifier` wrote.

    Returns
    -------
    BaseImageClassifier
    """
    try:
        state = json.loads((path / "classifier.json").read_text(encoding="utf-8"))
        saved_class = {c.__name__: c for c in _with_subclasses(cls)}[state["class"]]
        classifier = saved_class(**_tuples(state["params"]))
        classes = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        model = keras.saving.load_model(path / "model.keras", safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} holds no {cls.__name__} that can be read ({error}); "
            f"pass the folder that save() wrote."
        ) from error
    classifier._restore(
        model,
        classes=classes,
        sample_shape=tuple(state["sample_shape"]),
        is_uint8=state["is_uint8"],
        history=state["history"],
        entropy=state["entropy"],
        generators=state["generators"],
    )
    return classifier


def _with_subclasses(cls: type) -> list[type]:
    children: list[type] = cls.__subclasses__()
    return [cls, *(c for child in children for c in _with_subclasses(child))]


def _tuples(value: Any) -> Any:
    """Undo what JSON does to tuples."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
