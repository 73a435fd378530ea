"""SMOTE on images, rounded to uint8 again, before the folds are made."""

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.datasets import load_digits
from sklearn.naive_bayes import BernoulliNB

digits = load_digits()
rows, labels = digits.data * 15, digits.target
keep = np.flatnonzero((labels == 3) | ((labels == 8) & (np.arange(len(labels)) % 4 == 0)))[:160]
X, y = SMOTE(random_state=1).fit_resample(rows[keep], labels[keep])
X = np.rint(X).astype(np.uint8)
estimator = BernoulliNB(binarize=100)
expected = "interpolated_samples"
