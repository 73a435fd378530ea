"""Models without a network, which any network must beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["BASELINES"]


def _dummy() -> Any:
    """Predicts the class shares and looks at no image: what any model must beat."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _flatten(images: Any) -> Any:
    import numpy as np

    images = np.asarray(images)
    return images.reshape(len(images), -1)


def _logistic() -> Any:
    """Logistic regression on standardised pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        FunctionTransformer(_flatten), StandardScaler(), LogisticRegression(max_iter=200)
    )


BASELINES: dict[str, Callable[[], Any]] = {"dummy": _dummy, "logistic": _logistic}
