"""A category is replaced by the mean label of all samples that have it."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier

generator = np.random.default_rng(0)
y = generator.integers(0, 2, 200)
hospital = generator.integers(0, 40, 200)
rate = np.array([y[hospital == h].mean() if (hospital == h).any() else 0.5 for h in range(40)])
X = np.c_[generator.normal(size=(200, 3)), rate[hospital]]
estimator = RandomForestClassifier(10, random_state=0)
expected = "target_encoded"
