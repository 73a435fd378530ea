"""Fitted classifiers on disk: Keras' own model file, and JSON for the rest. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
from sklearn.utils.validation import check_is_fitted

from cifar_sk.backend.operations import choose_compiler
from cifar_sk.errors import InputError, reading
from cifar_sk.estimators.training import generator_states, set_generator_states
from cifar_sk.registry import pack_registered, unpack_registered

__all__ = ["ModelFilesMixin"]

_FORMAT = 1


class ModelFilesMixin:
    """Pickling, and ``save`` and ``load``, of a fitted classifier."""

    model_: Any
    classes_: Any
    history_: Any
    target_encoder: Any
    feature_encoder: Any
    n_features_in_: Any
    _trainer: Any
    _entropy: Any
    _sample_shape: Any
    _is_uint8: Any

    def __getstate__(self) -> dict[str, Any]:
        parent: Any = super()
        state = parent.__getstate__()
        if "model_" in state:
            # The training model holds compiled functions; the optimiser travels with model_,
            # but Keras leaves the state of its random generators behind.
            state = {**state, "_trainer": None, "_generators": generator_states(self.model_)}
        if registered := pack_registered():  # which worker processes would not know by name
            state = {**state, "_registered": registered}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        unpack_registered(state.pop("_registered", None))
        generators = state.pop("_generators", None)
        parent: Any = super()
        parent.__setstate__(state)
        if generators is not None:
            choose_compiler(self.model_)
            set_generator_states(self.model_, generators)

    def _restore(self, model: keras.Model, state: dict[str, Any]) -> None:
        """Become the fitted classifier that was saved."""
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        self.n_classes_ = len(self.classes_)
        self._sample_shape, self._is_uint8 = tuple(state["sample_shape"]), state["is_uint8"]
        self.n_features_in_ = self._sample_shape[0]
        self.target_encoder_ = self.target_encoder.fit(self.classes_)
        self.feature_encoder_ = self.feature_encoder
        self.model_, self.history_ = model, state["history"]
        self._entropy, self._trainer = state["entropy"], None
        choose_compiler(model)
        set_generator_states(model, state["generators"])

    def _saved_state(self) -> str:
        """Return all but the model as JSON."""
        classifier: Any = self
        state = {
            "format": _FORMAT,
            "class": type(self).__name__,
            "params": classifier.get_params(deep=False),
            "classes": self.classes_.tolist(),
            "classes_dtype": self.classes_.dtype.str,
            "sample_shape": list(self._sample_shape),
            "is_uint8": bool(self._is_uint8),
            "history": self.history_,
            "entropy": self._entropy,
            "generators": generator_states(self.model_),
        }
        try:
            return json.dumps(state, indent=1, default=lambda value: value.item())
        except (TypeError, AttributeError) as error:
            raise InputError(
                f"{type(self).__name__} cannot be saved with parameters that are functions or "
                f"objects ({error}); register the network under a name, or pickle the classifier."
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the fitted classifier to a folder, without pickle.

        Parameters
        ----------
        path : str or Path
            A folder, made where it is missing: ``model.keras`` (network, weights, optimiser)
            and ``classifier.json`` (parameters, classes, history).

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If a parameter is a function or an object, which JSON cannot hold.
        """
        check_is_fitted(self, "model_")
        text, folder = self._saved_state(), Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        self.model_.save(folder / "model.keras")
        (folder / "classifier.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a classifier that ``save`` wrote. No code from the files is run.

        Parameters
        ----------
        path : str or Path
            The folder.

        Returns
        -------
        BaseImageClassifier
            Of the class that was saved.

        Raises
        ------
        InputError
            If the folder holds no classifier, or one of another class.
        """
        folder = Path(path)
        with reading(str(folder), f"a saved {cls.__name__}", "pass the folder that save() wrote"):
            state = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
            saved_class = {c.__name__: c for c in _with_subclasses(cls)}[state["class"]]
            classifier = saved_class(**_tuples(state["params"]))
            model = keras.saving.load_model(folder / "model.keras", safe_mode=True)
            classifier._restore(model, state)
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
