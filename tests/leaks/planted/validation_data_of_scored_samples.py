"""Training stops when the loss on samples that are scored is lowest."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier


class Stopping(ClassifierMixin, BaseEstimator):
    def __init__(self, validation_data=None):
        self.validation_data = validation_data

    def fit(self, X, y):
        boosted = GradientBoostingClassifier(n_estimators=25, random_state=0).fit(X, y)
        watched, labels = self.validation_data
        hits = [(p == labels).mean() for p in boosted.staged_predict(watched)]
        self.model_ = GradientBoostingClassifier(
            n_estimators=int(np.argmax(hits)) + 1, random_state=0
        )
        self.model_.fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


X, y = make_classification(200, 10, flip_y=0.3, random_state=4)
estimator = Stopping(validation_data=(X[150:].copy(), y[150:].copy()))
expected = "scored_samples_read"
