"""Flips are a step in front of a classifier, and act in training only."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from cifar_sk import RandomFlip


class Rows(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)


digits = load_digits()
X, y = (digits.images[:200, ..., None] * 15).astype(np.uint8), digits.target[:200]
estimator = make_pipeline(RandomFlip(random_state=0), Rows(), GaussianNB(var_smoothing=1e-2))
