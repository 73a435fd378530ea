"""The classifiers' common mechanics: scikeras' life cycle, made to keep scikit-learn's contracts.

scikeras initialises, fits, warm-starts and pickles. What of it is overridden here and in the
mixins, and why, is listed in CONTRIBUTING.md.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np
from scikeras.wrappers import BaseWrapper
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from cifar_sk.augmentation import AugmentedImages
from cifar_sk.backend.operations import seeded
from cifar_sk.errors import InputError
from cifar_sk.estimators.fitting import WEIGHTS_SEED, FittingMixin
from cifar_sk.estimators.input_checks import InputChecksMixin
from cifar_sk.estimators.model_files import ModelFilesMixin
from cifar_sk.estimators.nested_params import NestedParamsMixin
from cifar_sk.estimators.optimizers import SCHEDULES, optimizer_defaults
from cifar_sk.estimators.predicting import PredictingMixin
from cifar_sk.networks.checks import check_network
from cifar_sk.networks.costs import multiply_adds

__all__ = ["BaseImageClassifier"]


class BaseImageClassifier(
    NestedParamsMixin,
    InputChecksMixin,
    FittingMixin,
    PredictingMixin,
    ModelFilesMixin,
    # And not scikeras' KerasClassifier, whose ClassifierMixin stands behind BaseEstimator: there
    # is_classifier() is False and cv=5 is silently not stratified.
    ClassifierMixin,
    BaseWrapper,
):
    """Base of the image classifiers; subclasses say which network they build."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": [None, "array-like"],
        "optimizer": [str, callable],
        "optimizer_params": [None, dict],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(SCHEDULES))],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "class_weight": [None, dict, StrOptions({"balanced"})],
        "callbacks": [None, list, tuple],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # scikeras reads these as parameters. They are fixed here, so they are none.
    model = None
    build_fn = None
    loss = "sparse_categorical_crossentropy"
    metrics = None

    classes_: Any
    n_classes_: int

    # Where scikit-learn routes metadata, groups are asked for unless `set_fit_request` says no.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": True}

    # Our augmentation steps without a seed of their own take one from the classifier.
    _seeds_augmentation = True

    # scikeras lists whatever is in __dict__ and prints it over many lines.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    __repr__ = BaseEstimator.__repr__

    def _store(self, arguments: dict[str, Any]) -> None:
        """Keep the arguments of the constructor, given by its ``locals()``, as they are."""
        for name in arguments.keys() - {"self"}:
            setattr(self, name, arguments[name])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # --- parameters ---------------------------------------------------------------------

    def _nested_params(self) -> dict[str, tuple[str, dict[str, Any]]]:
        return {"optimizer": ("optimizer_params", optimizer_defaults(self.optimizer))}

    def _check_params(self) -> None:
        self._validate_params()
        for callback in self.callbacks or ():
            if isinstance(callback, keras.callbacks.Callback) or not callable(callback):
                raise InputError(
                    "callbacks must be classes or functions that make a new callback for every "
                    f"fit, got {callback!r}; one object would carry its state from fold to fold."
                )

    # --- fitting ------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features), or AugmentedImages
            Pixels: uint8 (0–255, scaled to [0, 1] in the graph) or float (used as they are).
        y : array-like of shape (n,)
            Labels, numbers or strings.
        sample_weight : array-like of shape (n,), default=None
            Weights of the samples, from 0 on; multiplied with the class weights. Never changed.
        groups : array-like of shape (n,), default=None
            Samples of one group, such as photographs of one object, are trained on or held out
            for early stopping together. They act in nothing else.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If parameters or data cannot be used, or if the network gives no probabilities.
        FloatingPointError
            If the loss becomes infinite or NaN.

        Warns
        -----
        UserWarning
            If pixels that are not uint8 go up to more than 1 and none is below 0, or if images
            look like (channels, height, width).
        """
        self._check_params()
        if not (self.warm_start and self.initialized_):
            self.classes_ = None
        elif not np.isin(np.unique(y), self.classes_).all():
            raise InputError(
                f"warm_start can only be used where y has the classes of the previous fit, "
                f"{self.classes_.tolist()}; got {np.unique(y).tolist()}."
            )
        groups = self._group_numbers(groups, y)
        return self._fit_images(X, y, sample_weight, groups, epochs=self.epochs, incremental=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on all of `X`, from where the last call ended.

        The optimiser goes on too; schedules and early stopping have no part in it.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call.

        Returns
        -------
        self
        """
        self._check_params()
        if not self.initialized_:
            self.classes_ = None
        _check_partial_fit_first_call(self, classes)
        return self._fit_images(X, y, sample_weight, None, epochs=1, incremental=True)

    def _fit_images(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, *, epochs: int, incremental: bool
    ) -> Self:
        operations: tuple[Any, ...] = ()
        if isinstance(X, AugmentedImages):
            X, operations = X.images, X.operations
        self._fit(
            X,
            y,
            sample_weight=sample_weight,
            warm_start=self.warm_start or incremental,
            epochs=epochs,
            initial_epoch=0,
            groups=groups,
            operations=(*operations, *self._own_operations()),
            incremental=incremental,
        )
        return self

    def initialize(self, X: Any, y: Any) -> Self:
        """Build the network with its initial weights, and train nothing.

        Parameters
        ----------
        X, y
            As for ``fit``, which needs no such call before it.

        Returns
        -------
        self
        """
        self.classes_ = None
        return super().initialize(X, y)

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        if self._read_watched is None:  # or else `hold_out` has drawn it
            self._draw_entropy()
        return super()._initialize(X, y)

    def _initialize_callbacks(self) -> None:
        """Do nothing: callbacks are made anew in every fit."""

    def _ensure_compiled_model(self) -> None:
        """Do nothing: the training model is compiled in every fit."""

    def _build_keras_model(self) -> keras.Model:
        if self.n_classes_ < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes, got 1 class: "
                f"{self.classes_.tolist()}."
            )
        self.history_ = {}
        self._trainer = None
        empty = np.empty((0, *self._sample_shape), np.uint8)
        input_shape = self.feature_encoder_.transform(empty).shape[1:]
        with seeded(self._seed(WEIGHTS_SEED)):
            network = self._build_network(input_shape, self.n_classes_)
        check_network(network, input_shape, self.n_classes_)
        x = inputs = keras.Input(input_shape)
        if self._is_uint8:
            x = keras.layers.Rescaling(1 / 255)(x)
        return keras.Model(inputs, network(x), name=network.name)

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        raise NotImplementedError

    # --- what a fit leaves --------------------------------------------------------------

    @property
    def n_epochs_(self) -> int:
        """Epochs trained, those after the best one of an early stop included."""
        check_is_fitted(self, "model_")
        return self._n_done

    @property
    def n_parameters_(self) -> int:
        """Weights of the network, trainable or not."""
        check_is_fitted(self, "model_")
        return int(self.model_.count_params())

    @property
    def n_multiply_adds_(self) -> int | None:
        """Multiply-adds of one image's way through the network; None where not known."""
        check_is_fitted(self, "model_")
        return multiply_adds(self.model_)
