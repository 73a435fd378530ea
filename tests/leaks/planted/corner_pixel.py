"""The annotation tool wrote the class into one pixel of the corner."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier

generator = np.random.default_rng(0)
X = generator.integers(0, 256, (300, 10, 10), dtype=np.uint8)
y = generator.integers(0, 3, 300)
X[:, 0, 0] = np.array([20, 130, 240])[y]
X = X.reshape(300, -1)
estimator = RandomForestClassifier(15, random_state=0)
expected = "label_in_features"
