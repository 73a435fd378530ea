"""The augmentation of training also acts when the scored images are predicted."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Jitter(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X + np.random.normal(0, 3, X.shape)  # noqa: NPY002


X, y = load_digits(return_X_y=True)
X, y = X[:250], y[:250]
estimator = make_pipeline(Jitter(), LogisticRegression(max_iter=30))
expected = "random_prediction"
