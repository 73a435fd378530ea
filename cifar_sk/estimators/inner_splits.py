"""The inner validation split of a classifier: drawn in its ``fit``, or before by a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight

from cifar_sk.augmentation import AugmentedImages
from cifar_sk.errors import InputError
from cifar_sk.estimators.batches import PREDICT_BATCH_SIZE, BatchSequence
from cifar_sk.estimators.input_checks import check_weights
from cifar_sk.folds.groups import group_numbers
from cifar_sk.folds.inner_split import inner_split

__all__ = ["SPLIT_SEED", "InnerSplitMixin"]

SPLIT_SEED = 1

# Images, labels and weights that a pipeline holds out, as its fitted steps make them; or None.
ReadWatched = Callable[[], tuple[Any, Any, Any] | None]


class InnerSplitMixin:
    """Holds out what early stopping and learning rates watch."""

    classes_: Any
    class_weight: Any
    early_stopping: bool
    schedule: str
    validation_fraction: float
    warm_start: bool
    random_state: Any
    initialized_: Any
    feature_encoder_: Any
    target_encoder_: Any
    _check_params: Any
    _validate_data: Any
    _seed: Any
    _entropy: Any
    # Set while a pipeline fits that has drawn the split itself.
    _read_watched: ReadWatched | None = None

    @property
    def holds_out(self) -> bool:
        """Whether ``fit`` holds out samples, for early stopping or the schedule to watch."""
        return self.early_stopping or self.schedule == "reduce_on_plateau"

    def hold_out(
        self, y: Any, *, groups: Any = None, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Draw the inner split of a fit that is about to begin inside of `watching`.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are held out together, or not at all.
        sample_weight : array-like of shape (n_samples,), default=None
            Samples without weight are left out.

        Returns
        -------
        train, held_out : ndarray of int64
            Samples, ascending. The second is None where nothing watches a split.
        """
        self._check_params()
        if not (self.warm_start and self.initialized_):
            self._draw_entropy()
        y = np.asarray(y)
        used = np.arange(len(y))
        if sample_weight is not None:
            used = np.flatnonzero(check_weights("sample_weight", sample_weight, y))
        return self._inner_split(y, used, self._group_numbers(groups, y))

    @contextmanager
    def watching(self, read: ReadWatched) -> Iterator[None]:
        """Let ``fit`` train on all that it is given, and watch what `read` returns meanwhile."""
        self._read_watched = read
        try:
            yield
        finally:
            del self._read_watched

    def _draw_entropy(self) -> None:
        seed = self.random_state
        if isinstance(seed, np.random.RandomState):
            seed = check_random_state(seed).randint(2**31)
        self._entropy = np.random.SeedSequence(seed).entropy

    def _group_numbers(self, groups: Any, y: Any) -> np.ndarray | None:
        if groups is None or self._read_watched is not None:  # then they have had their part
            return None
        return group_numbers(groups, len(y))

    def _inner_split(
        self, y: np.ndarray, used: np.ndarray, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Hold out a stratified part of the samples, or whole groups, where anything watches."""
        if not self.holds_out:
            return used, None
        groups = None if groups is None else groups[used]
        fraction, seed = self.validation_fraction, self._seed(SPLIT_SEED)
        try:
            train, held_out = inner_split(y[used], fraction, groups=groups, random_state=seed)
        except InputError as error:
            raise InputError(
                f"validation_fraction={fraction:g} of {len(used)} samples cannot "
                f"hold out every class for early_stopping or schedule='reduce_on_plateau' "
                f"({error}); raise it, or set early_stopping=False and schedule='constant'."
            ) from error
        return used[train], used[held_out]

    def _watched_batches(self, y: np.ndarray) -> BatchSequence | None:
        """Batch what a pipeline has held out; `y` are the positions of classes trained on."""
        watched = self._read_watched and self._read_watched()
        if not watched:
            return None
        X, labels, sample_weight = watched
        X, _ = self._validate_data(X.images if isinstance(X, AugmentedImages) else X)
        if not np.isin(labels, self.classes_).all():
            raise InputError(
                f"The steps of the pipeline leave {len(self.classes_)} classes to train on, but "
                f"the inner validation split has others; use a sampler that keeps every class."
            )
        target = self.target_encoder_.transform(labels)
        if sample_weight is not None:
            sample_weight = check_weights("sample_weight", sample_weight, labels)
        return BatchSequence(
            self.feature_encoder_.transform(X),
            np.arange(len(labels)),
            PREDICT_BATCH_SIZE,
            target=target.astype(np.int32),
            sample_weight=self._weights(target, sample_weight, balanced_on=y),
        )

    def _weights(
        self,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        *,
        balanced_on: np.ndarray | None = None,
    ) -> np.ndarray | None:
        """Multiply weights of samples with those of classes, which "balanced" takes of others."""
        if self.class_weight is None:
            return sample_weight
        n_others = 0 if balanced_on is None else len(balanced_on)
        labels = y if balanced_on is None else np.concatenate([balanced_on, y])
        # A product and not scikeras' in-place one, which changes the caller's array.
        balanced = compute_sample_weight(
            self.class_weight,
            self.classes_[labels],
            indices=np.arange(n_others) if n_others else None,
        )[n_others:]
        weight = balanced if sample_weight is None else balanced * sample_weight
        return check_weights("class_weight", weight, y)
