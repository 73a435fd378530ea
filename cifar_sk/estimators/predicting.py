"""What a fitted classifier answers: probabilities, their logarithms, scores and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import numpy as np
from sklearn.utils.validation import check_is_fitted

from cifar_sk.augmentation import AugmentedImages
from cifar_sk.backend.operations import released_memory
from cifar_sk.estimators.batches import PREDICT_BATCH_SIZE, BatchSequence

__all__ = ["PredictingMixin"]

_SMALLEST = 1e-38  # about what float32 can hold, so that scores stay finite


class PredictingMixin:
    """scikit-learn's methods of prediction, all of them by ``predict_proba``."""

    model_: Any
    classes_: Any
    feature_encoder_: Any
    _validate_data: Any

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

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Estimate the logarithms of class probabilities.

        Parameters
        ----------
        X
            As for ``predict_proba``.

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
            Natural logarithms of ``predict_proba(X)``; −inf where that is 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Score the classes, as scikit-learn's ``LogisticRegression`` does.

        Parameters
        ----------
        X
            As for ``predict_proba``.

        Returns
        -------
        ndarray of float64, shape (n,) for two classes, (n, n_classes) for more
            Log-odds of ``classes_[1]``, above 0 where it is predicted; or the logarithms of the
            class probabilities, of which the largest is predicted. Always finite.
        """
        scores = np.log(np.maximum(self.predict_proba(X), _SMALLEST))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X
            As for ``predict_proba``.

        Returns
        -------
        ndarray of shape (n,)
            The most probable of ``classes_``.
        """
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]
