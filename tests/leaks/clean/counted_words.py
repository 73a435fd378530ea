"""Rows of word counts, each of length 1: many zeros, and no scale of all samples."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

generator = np.random.default_rng(0)
y = generator.integers(0, 2, 200)
rates = np.where(y[:, None] == 1, np.linspace(0.1, 2, 40), np.linspace(2, 0.1, 40))
X = normalize(generator.poisson(rates).astype(float))
estimator = LogisticRegression()
