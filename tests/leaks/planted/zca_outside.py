"""Images are whitened by the covariance of all samples."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]
centred = X - X.mean(axis=0)
values, vectors = np.linalg.eigh(np.cov(centred.T))
X = centred @ vectors @ np.diag(1 / np.sqrt(values + 1e-5)) @ vectors.T
estimator = KNeighborsClassifier(3)
expected = "preprocessed_outside"
