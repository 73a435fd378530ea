"""The official test split has other images than the training data."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.svm import SVC

digits = load_digits()
images = (digits.images * 15).astype(np.uint8).reshape(-1, 64)
X, y = images[:200], digits.target[:200]
test = images[200:300], digits.target[200:300]
estimator = CalibratedClassifierCV(SVC(), cv=2)
