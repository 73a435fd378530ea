"""Pixels are scaled by the published means and deviations of ImageNet."""

import numpy as np
from sklearn.naive_bayes import GaussianNB

generator = np.random.default_rng(4)
y = generator.integers(0, 3, 200)
images = generator.integers(0, 256, (200, 6, 6, 3)) / 255
images[np.arange(200), y, y] = 0.7 * images[np.arange(200), y, y] + 0.2
X = ((images - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).reshape(200, -1)
estimator = GaussianNB()
