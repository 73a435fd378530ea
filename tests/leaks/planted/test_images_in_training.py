"""A tenth of the test split stands in the training data as well."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.svm import SVC

digits = load_digits()
images = (digits.images * 15).astype(np.uint8).reshape(-1, 64)
X, y = images[:200], digits.target[:200]
test = images[190:290], digits.target[190:290]
estimator = CalibratedClassifierCV(SVC(), cv=2)
expected = "test_in_training"
