"""The classifiers' common mechanics: scikeras' life cycle, made to keep scikit-learn's contracts.

scikeras initialises, fits, warm-starts and pickles. What it gets wrong for scikit-learn ≥ 1.6,
or leaves open for images, is overridden here with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cifar_sk.backend.keras_import

# isort: split
import keras
import numpy as np
from scikeras.wrappers import KerasClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import ClassifierTags, Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

import cifar_sk.networks.layers  # noqa: F401  (registers what saved classifiers hold)
from cifar_sk.augmentation import AugmentedImages
from cifar_sk.backend.operations import released_memory, seeded, seeded_generator
from cifar_sk.errors import InputError
from cifar_sk.estimators.batches import PREDICT_BATCH_SIZE, BatchSequence
from cifar_sk.estimators.input_checks import InputChecksMixin
from cifar_sk.estimators.model_files import ModelFilesMixin
from cifar_sk.estimators.nested_params import NestedParamsMixin
from cifar_sk.estimators.optimizers import (
    SCHEDULES,
    follows_schedule,
    make_optimizer,
    optimizer_defaults,
)
from cifar_sk.estimators.training import (
    EpochWatch,
    TrainingModel,
    adapt_layers,
    compile_training,
    make_callbacks,
)

__all__ = ["BaseImageClassifier"]

# What the seeds are for; each use has a stream of its own, so that changing one leaves the rest.
_WEIGHTS, _SPLIT, _ORDER, _AUGMENTATION, _DROPOUT = range(5)


class BaseImageClassifier(NestedParamsMixin, InputChecksMixin, ModelFilesMixin, KerasClassifier):
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

    # Our augmentation steps without a seed of their own take one from the classifier.
    _seeds_augmentation = True

    # scikeras lists whatever is in __dict__ and prints it over many lines.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    __repr__ = BaseEstimator.__repr__
    score = ClassifierMixin.score

    def __sklearn_tags__(self) -> Tags:
        # scikeras 0.13 puts ClassifierMixin last, so is_classifier() is False and cv=5 is
        # silently not stratified.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features), or AugmentedImages
            Pixels: uint8 (0–255, scaled to [0, 1] in the graph) or float (used as they are).
        y : array-like of shape (n,)
            Labels, numbers or strings.
        sample_weight : array-like of shape (n,), default=None
            Weights of the samples; multiplied with the class weights. Never changed.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If parameters or data cannot be used.
        FloatingPointError
            If the loss becomes infinite or NaN.
        """
        self._check_params()
        if not (self.warm_start and self.initialized_):
            self.classes_ = None
        elif not np.isin(np.unique(y), self.classes_).all():
            raise InputError(
                f"warm_start can only be used where y has the classes of the previous fit, "
                f"{self.classes_.tolist()}; got {np.unique(y).tolist()}."
            )
        return self._fit_images(X, y, sample_weight, epochs=self.epochs, incremental=False)

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
        return self._fit_images(X, y, sample_weight, epochs=1, incremental=True)

    def _fit_images(
        self, X: Any, y: Any, sample_weight: Any, *, epochs: int, incremental: bool
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
            operations=(*operations, *self._own_operations()),
            incremental=incremental,
        )
        return self

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        seed = self.random_state
        if isinstance(seed, np.random.RandomState):
            seed = check_random_state(seed).randint(2**31)
        self._entropy = np.random.SeedSequence(seed).entropy
        return super()._initialize(X, y)

    def _initialize_callbacks(self) -> None:
        """Do nothing: callbacks are made anew in every fit."""

    def _ensure_compiled_model(self) -> None:
        """Do nothing: the training model is compiled in every fit."""

    def _check_model_compatibility(self, y: np.ndarray) -> None:
        """Do nothing: the loss is ours."""

    def _seed(self, purpose: int) -> int:
        """Return a seed that depends on the random state, the purpose and the epochs so far."""
        # A warm start must hold out what the first fit held out, for it has trained on the rest.
        n_done = 0 if purpose == _SPLIT else self._n_done
        sequence = np.random.SeedSequence(self._entropy, spawn_key=(purpose, n_done))
        return int(sequence.generate_state(1)[0])

    @property
    def _n_done(self) -> int:
        return len(self.history_.get("loss", ()))

    def _build_keras_model(self) -> keras.Model:
        if self.n_classes_ < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes, got 1 class: "
                f"{self.classes_.tolist()}."
            )
        self.history_: dict[str, list[float]] = {}
        self._trainer: TrainingModel | None = None
        empty = np.empty((0, *self._sample_shape), np.uint8)
        input_shape = self.feature_encoder_.transform(empty).shape[1:]
        with seeded(self._seed(_WEIGHTS)):
            network = self._build_network(input_shape, self.n_classes_)
        if tuple(network.output_shape) != (None, self.n_classes_):
            raise InputError(
                f"The network must end in a softmax over the {self.n_classes_} classes, got an "
                f"output of shape {network.output_shape}."
            )
        x = inputs = keras.Input(input_shape)
        if self._is_uint8:
            x = keras.layers.Rescaling(1 / 255)(x)
        return keras.Model(inputs, network(x), name=network.name)

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        raise NotImplementedError

    def _fit_keras_model(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        *,
        operations: tuple[Any, ...] = (),
        incremental: bool = False,
    ) -> None:
        y = y.astype(np.int32)
        weight = self._weights(y, sample_weight)
        used = np.arange(len(X)) if weight is None else np.flatnonzero(weight)
        train, validation = (used, None) if incremental else self._inner_split(y, used)
        arrays: dict[str, Any] = {"target": y, "sample_weight": weight}
        batches = BatchSequence(
            X,
            train,
            self._batch_size(len(train)),
            **arrays,
            **self._batch_options(incremental),
            seed=self._seed(_ORDER),
        )
        watched = None
        if validation is not None:
            watched = BatchSequence(X, validation, PREDICT_BATCH_SIZE, **arrays)
        if not self._n_done:
            adapt_layers(self.model_, X, train)
        trained_with = f"{operations}, batches of {batches.batch_size}"
        trainer = self._unfinished_trainer(trained_with) if incremental else None
        n_steps = epochs * len(batches)
        if trainer is None:
            trainer = self._make_trainer(operations, n_steps, batches.batch_size, incremental)
        self._trainer, self._trained_with = trainer, trained_with
        callbacks = self._make_callbacks(n_steps, batches.batch_size, watched, incremental)
        with released_memory(), seeded_generator(self._seed(_DROPOUT)) as seeding:
            history = trainer.fit(
                batches,
                validation_data=watched,
                epochs=epochs,
                callbacks=[seeding, *callbacks, EpochWatch(epochs, self.learning_rate)],
                shuffle=False,
                verbose=int(self.verbose),
            ).history
        for name, values in history.items():
            self.history_.setdefault(name, []).extend(float(value) for value in values)

    def _make_callbacks(
        self, n_steps: int, batch_size: int, watched: BatchSequence | None, incremental: bool
    ) -> list[Any]:
        # Those of a recipe first, for early stopping has the last word on the weights.
        callbacks = [] if incremental else self._own_callbacks(n_steps, batch_size)
        callbacks += make_callbacks(
            plateau=watched is not None and self.schedule == "reduce_on_plateau",
            early_stopping=watched is not None and self.early_stopping,
            patience=self.n_iter_no_change,
            min_delta=self.tol,
        )
        return callbacks + [make() for make in self.callbacks or ()]

    # What a classifier with a recipe of its own does otherwise.

    def _batch_size(self, n_samples: int) -> int:
        return self.batch_size

    def _batch_options(self, incremental: bool) -> dict[str, Any]:
        """Return keywords of the training batches."""
        return {}

    def _own_operations(self) -> tuple[Any, ...]:
        """Return augmentation that follows the pipeline's."""
        return ()

    def _own_callbacks(self, n_steps: int, batch_size: int) -> list[Any]:
        return []

    def _make_optimizer(self, *, schedule: str, n_steps: int, batch_size: int) -> Any:
        return make_optimizer(
            self.optimizer,
            self.optimizer_params,
            learning_rate=self.learning_rate,
            schedule=schedule,
            n_steps=n_steps,
        )

    def _weights(self, y: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return sample_weight
        # A product and not scikeras' in-place one, which changes the caller's array.
        balanced = compute_sample_weight(self.class_weight, self.classes_[y])
        weight = balanced if sample_weight is None else balanced * sample_weight
        return weight.astype(np.float32)

    @property
    def _needs_validation(self) -> bool:
        return self.early_stopping or self.schedule == "reduce_on_plateau"

    def _inner_split(
        self, y: np.ndarray, used: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Hold out a stratified part of the training samples, where anything watches it."""
        if not self._needs_validation:
            return used, None
        splitter = StratifiedShuffleSplit(
            1, test_size=self.validation_fraction, random_state=self._seed(_SPLIT)
        )
        try:
            train, validation = next(splitter.split(used, y[used]))
        except ValueError as error:
            raise InputError(
                f"validation_fraction={self.validation_fraction:g} of {len(used)} samples cannot "
                f"hold out every class for early_stopping or schedule='reduce_on_plateau' "
                f"({error}); raise it, or set early_stopping=False and schedule='constant'."
            ) from error
        return used[np.sort(train)], used[np.sort(validation)]

    def _unfinished_trainer(self, trained_with: str) -> TrainingModel | None:
        """Return what partial_fit may go on with as it is."""
        trainer = self._trainer
        if trainer is None or self._trained_with != trained_with:
            return None
        return None if follows_schedule(trainer.optimizer) else trainer

    def _make_trainer(
        self, operations: tuple[Any, ...], n_steps: int, batch_size: int, incremental: bool
    ) -> TrainingModel:
        augmentation = None
        if operations:
            from cifar_sk.augmentation.layers import build_augmentation

            augmentation = build_augmentation(
                operations,
                seed=self._seed(_AUGMENTATION),
                value_range=(0, 1) if self._is_uint8 else None,
            )
        trainer = TrainingModel(
            self.model_,
            scale=1 / 255 if self._is_uint8 else 1.0,
            augmentation=augmentation,
            label_smoothing=self.label_smoothing,
        )
        # After load or unpickling, partial_fit goes on with the optimiser that came along; but a
        # schedule that has run out would leave it a rate of zero.
        optimizer = self.model_.optimizer if incremental and self.model_.compiled else None
        if optimizer is not None and follows_schedule(optimizer):
            optimizer = None
        compile_training(
            trainer,
            optimizer
            or self._make_optimizer(
                schedule="constant" if incremental else self.schedule,
                n_steps=n_steps,
                batch_size=batch_size,
            ),
        )
        return trainer

    # --- prediction ---------------------------------------------------------------------

    def _predict_raw(self, X: Any, *, view: Any = None, **kwargs: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        if isinstance(X, AugmentedImages):
            X = X.images
        X, _ = self._validate_data(X)
        images = self.feature_encoder_.transform(X)
        batches = BatchSequence(images, np.arange(len(images)), PREDICT_BATCH_SIZE, view=view)
        with released_memory():
            return self.model_.predict(batches, verbose=0)

    def _prediction_views(self) -> list[tuple[float, Callable[[np.ndarray], np.ndarray] | None]]:
        """Return what of an image is predicted by: shares and views, None for the image as is."""
        return [(1.0, None)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Estimate class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features)
            Pixels of the kind that the classifier was fitted on. Never augmented.

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        proba = self._predict_raw(X).astype(np.float64)
        # The softmax is float32; metrics ask for rows that sum to 1 in float64.
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features)
            As for ``predict_proba``.

        Returns
        -------
        ndarray of shape (n,)
            The most probable of ``classes_``.
        """
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]

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
