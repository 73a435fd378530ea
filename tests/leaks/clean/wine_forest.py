"""A forest without a random state of its own."""

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

X, y = load_wine(return_X_y=True)
estimator = RandomForestClassifier(12)
