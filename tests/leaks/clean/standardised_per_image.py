"""Each image has mean 0 and standard deviation 1, by its own pixels."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

X, y = load_digits(return_X_y=True)
X, y = X[:300].astype(np.float32), y[:300]
X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
estimator = LogisticRegression(max_iter=40)
