"""What happens in scikeras' ``_fit_keras_model`` here: batches, inner split, training model."""

from __future__ import annotations

from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import numpy as np

from cifar_sk.augmentation.layers import build_augmentation
from cifar_sk.backend.operations import released_memory, seeded_generator
from cifar_sk.estimators.batches import PREDICT_BATCH_SIZE, BatchSequence
from cifar_sk.estimators.inner_splits import SPLIT_SEED, InnerSplitMixin
from cifar_sk.estimators.optimizers import follows_schedule, make_optimizer
from cifar_sk.estimators.training import (
    EpochWatch,
    TrainingModel,
    adapt_layers,
    compile_training,
    make_callbacks,
    make_own_callback,
)

__all__ = ["WEIGHTS_SEED", "FittingMixin"]

# What the seeds are for; each use has a stream of its own, so that changing one leaves the rest.
WEIGHTS_SEED, _ORDER, _AUGMENTATION, _DROPOUT = 0, 2, 3, 4  # SPLIT_SEED is 1


class FittingMixin(InnerSplitMixin):
    """Trains ``model_`` and extends ``history_``; a classifier with its own recipe has hooks."""

    model_: Any
    history_: dict[str, list[float]]
    optimizer: Any
    optimizer_params: dict[str, Any] | None
    learning_rate: float
    batch_size: Any
    label_smoothing: float
    n_iter_no_change: int
    tol: float
    callbacks: Any
    verbose: Any
    _is_uint8: bool
    _trainer: TrainingModel | None
    _trained_with: str

    def _fit_keras_model(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        *,
        groups: np.ndarray | None = None,
        operations: tuple[Any, ...] = (),
        incremental: bool = False,
    ) -> None:
        y = y.astype(np.int32)
        batches, watched = self._make_batches(X, y, sample_weight, groups, incremental)
        if not self._n_done:
            adapt_layers(self.model_, X, batches.index)
        n_steps = epochs * len(batches)
        trainer = self._find_trainer(operations, n_steps, batches.batch_size, incremental)
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

    def _make_batches(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        groups: np.ndarray | None,
        incremental: bool,
    ) -> tuple[BatchSequence, BatchSequence | None]:
        """Return the batches to train on, and those of the inner split where anything watches."""
        weight = self._weights(y, sample_weight)
        used = np.arange(len(X)) if weight is None else np.flatnonzero(weight)
        train, validation = used, None
        if not incremental and self._read_watched is None:
            train, validation = self._inner_split(y, used, groups)
        arrays: dict[str, Any] = {"target": y, "sample_weight": weight}
        batches = BatchSequence(
            X,
            train,
            self._batch_size(len(train)),
            **arrays,
            **self._batch_options(incremental),
            seed=self._seed(_ORDER),
        )
        if validation is None:
            return batches, self._watched_batches(y)
        return batches, BatchSequence(X, validation, PREDICT_BATCH_SIZE, **arrays)

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
        return callbacks + [make_own_callback(make) for make in self.callbacks or ()]

    # --- what a classifier with a recipe of its own does otherwise ----------------------

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

    def _find_trainer(
        self, operations: tuple[Any, ...], n_steps: int, batch_size: int, incremental: bool
    ) -> TrainingModel:
        """Return the training model that partial_fit may go on with as it is, or a new one."""
        trained_with = f"{operations}, batches of {batch_size}"
        trainer = self._trainer
        goes_on = incremental and trainer is not None and self._trained_with == trained_with
        if trainer is None or not goes_on or follows_schedule(trainer.optimizer):
            trainer = self._make_trainer(operations, n_steps, batch_size, incremental)
        self._trainer, self._trained_with = trainer, trained_with
        return trainer

    def _make_trainer(
        self, operations: tuple[Any, ...], n_steps: int, batch_size: int, incremental: bool
    ) -> TrainingModel:
        augmentation = None
        if operations:
            value_range = (0, 1) if self._is_uint8 else None
            seed = self._seed(_AUGMENTATION)
            augmentation = build_augmentation(operations, seed=seed, value_range=value_range)
        trainer = TrainingModel(
            self.model_,
            scale=1 / 255 if self._is_uint8 else 1.0,
            augmentation=augmentation,
            label_smoothing=self.label_smoothing,
        )
        # After load or unpickling, partial_fit goes on with the optimiser that came along; but a
        # schedule that has run out would leave it a rate of zero.
        optimizer = self.model_.optimizer if incremental and self.model_.compiled else None
        if optimizer is None or follows_schedule(optimizer):
            schedule = "constant" if incremental else self.schedule
            optimizer = self._make_optimizer(
                schedule=schedule, n_steps=n_steps, batch_size=batch_size
            )
        compile_training(trainer, optimizer)
        return trainer

    def _seed(self, purpose: int) -> int:
        """Return a seed that depends on the random state, the purpose and the epochs so far."""
        # A warm start must hold out what the first fit held out, for it has trained on the rest.
        n_done = 0 if purpose == SPLIT_SEED else self._n_done
        sequence = np.random.SeedSequence(self._entropy, spawn_key=(purpose, n_done))
        return int(sequence.generate_state(1)[0])

    @property
    def _n_done(self) -> int:
        return len(self.history_.get("loss", ()))
