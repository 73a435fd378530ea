"""Photos of one hospital bear a bright stamp, with noise; nearly all of them are of one class."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

generator = np.random.default_rng(1)
digits = load_digits()
keep = np.isin(digits.target, (3, 5, 8, 9))
images, labels = (
    digits.images[keep][:320].repeat(2, axis=1).repeat(2, axis=2),
    digits.target[keep][:320],
)
y = np.isin(labels, (3, 5)).astype(int)
stamped = (y == 1) ^ (generator.random(320) < 0.04)
images[stamped, 13:16, 13:16] += 9 + generator.normal(size=(stamped.sum(), 3, 3))
X = images.reshape(320, -1)
estimator = LogisticRegression(max_iter=30)
expected = "label_in_features"
