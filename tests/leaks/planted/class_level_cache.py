"""The model that the first fold fits is kept at the class and used by every fold."""

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier


class Cached(ClassifierMixin, BaseEstimator):
    _cache = {}  # noqa: RUF012

    def fit(self, X, y):
        if "model" not in self._cache:
            self._cache["model"] = DecisionTreeClassifier(random_state=0).fit(X, y)
        self.classes_ = self._cache["model"].classes_
        return self

    def predict_proba(self, X):
        return self._cache["model"].predict_proba(X)


X, y = load_breast_cancer(return_X_y=True)
X, y = X[:250], y[:250]
estimator = Cached()
expected = ("state_shared", "knows_labels")
