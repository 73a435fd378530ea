"""Calibration splits the training fold itself."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.svm import LinearSVC

X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
estimator = CalibratedClassifierCV(LinearSVC(), cv=2)
