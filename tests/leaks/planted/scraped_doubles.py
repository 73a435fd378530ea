"""Six per cent of the images were downloaded twice."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

digits = load_digits()
X, y = digits.images[:300].astype(np.uint8), digits.target[:300]
again = np.arange(0, 300, 16)
X = np.concatenate([X, X[again]]).reshape(-1, 64)
y = np.concatenate([y, y[again]])
estimator = KNeighborsClassifier()
expected = "copies_across_folds"
