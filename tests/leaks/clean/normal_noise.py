"""Features that are standard normal by nature, so means are near 0 and deviations near 1."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

X = np.random.default_rng(0).normal(size=(300, 15))
y = (X[:, 0] + np.random.default_rng(1).normal(size=300) > 0).astype(int)
estimator = LinearDiscriminantAnalysis()
