"""Each sample is added three more times with a little noise ("to get more data")."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine
from sklearn.svm import SVC

generator = np.random.default_rng(0)
X, y = load_wine(return_X_y=True)
X = np.concatenate([X] + [X * (1 + 0.002 * generator.normal(size=X.shape)) for _ in range(3)])
y = np.concatenate([y] * 4)
estimator = CalibratedClassifierCV(SVC(), cv=2)
expected = "near_copies"
