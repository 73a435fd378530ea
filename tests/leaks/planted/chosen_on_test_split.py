"""Of several models, `fit` keeps the one that is best on the official test split."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(300, 10, flip_y=0.3, random_state=7)
test = X[200:], y[200:]
X, y = X[:200], y[:200]


class Deepest(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        trees = [
            DecisionTreeClassifier(max_depth=d, random_state=0).fit(X, y) for d in range(1, 9)
        ]
        scores = [tree.score(*test) for tree in trees]
        self.tree_ = trees[int(np.argmax(scores))]
        self.classes_ = self.tree_.classes_
        return self

    def predict_proba(self, X):
        return self.tree_.predict_proba(X)


estimator = Deepest()
expected = "scored_samples_read"
