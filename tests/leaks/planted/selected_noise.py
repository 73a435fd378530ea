"""Of 3,000 columns of pure noise the 25 that go with the labels are kept (Ambroise 2002)."""

import numpy as np
from sklearn.linear_model import LogisticRegression

generator = np.random.default_rng(3)
y = np.arange(80) % 2
X = generator.normal(size=(80, 3000))
difference = X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)
X = X[:, np.argsort(-abs(difference))[:25]]
estimator = LogisticRegression()
expected = "selected_outside"
