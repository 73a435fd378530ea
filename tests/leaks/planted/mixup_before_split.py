"""Mixed images of two random samples are added before the folds are made."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

generator = np.random.default_rng(5)
X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
first, second = generator.integers(0, 200, (2, 100))
share = generator.beta(8, 2, 100)[:, None]
X = np.concatenate([X, share * X[first] + (1 - share) * X[second]])
y = np.concatenate([y, y[first]])
estimator = KNeighborsClassifier(1)
expected = "interpolated_samples"
