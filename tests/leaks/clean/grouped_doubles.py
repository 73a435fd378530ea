"""Doubles in the data are grouped, so no copy is trained on and scored."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

X, y = load_digits(return_X_y=True)
X = np.concatenate([X[:200], X[:60]])
y = np.concatenate([y[:200], y[:60]])
groups = np.concatenate([np.arange(200), np.arange(60)])
estimator = KNeighborsClassifier()
