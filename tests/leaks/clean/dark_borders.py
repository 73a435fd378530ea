"""All images have black borders, as MNIST has."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

digits = load_digits()
X = np.pad(digits.images[:220], ((0, 0), (3, 3), (3, 3))).astype(np.uint8).reshape(220, -1)
y = digits.target[:220]
estimator = KNeighborsClassifier(3)
