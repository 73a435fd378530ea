"""`eval_set`, as of boosting libraries, holds all samples, the scored ones too."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.neighbors import KNeighborsClassifier


class Chooses(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, eval_set=None):
        sizes = [1, 3, 5, 9, 15, 25]
        models = [KNeighborsClassifier(k).fit(X, y) for k in sizes]
        scores = [m.score(*eval_set[0]) for m in models]
        self.model_ = models[int(np.argmax(scores))]
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


X, y = make_classification(180, 8, flip_y=0.25, random_state=2)
estimator = Chooses()
fit_params = {"eval_set": [(X, y)]}
expected = ("scored_samples_read", "scored_samples_given")
