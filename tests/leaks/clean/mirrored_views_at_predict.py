"""Probabilities are averaged over an image and its mirror image, always the same way."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression


class TwoViews(LogisticRegression):
    def predict_proba(self, X):
        mirrored = X.reshape(-1, 8, 8)[:, :, ::-1].reshape(X.shape)
        return (super().predict_proba(X) + super().predict_proba(mirrored)) / 2


X, y = load_digits(return_X_y=True)
X, y = np.asarray(X[:200]), y[:200]
estimator = TwoViews(max_iter=30)
