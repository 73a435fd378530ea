"""Boosting stops by a part of the training fold."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

X, y = load_breast_cancer(return_X_y=True)
X, y = X[:200, :8], y[:200]
estimator = GradientBoostingClassifier(n_estimators=30, n_iter_no_change=3, random_state=0)
