"""The mean image of all samples is subtracted, as old recipes for CIFAR do."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifierCV

digits = load_digits()
images, y = digits.images[:240].astype(np.float32) / 16, digits.target[:240]
X = (images - images.mean(axis=0)).reshape(240, -1)
estimator = CalibratedClassifierCV(RidgeClassifierCV(), cv=3)
expected = "preprocessed_outside"
