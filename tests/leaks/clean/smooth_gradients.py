"""Soft synthetic images that all look alike, but for the direction of the light."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

generator = np.random.default_rng(0)
y = generator.integers(0, 2, 220)
angle = generator.normal(np.where(y == 1, 0.6, -0.6), 0.5)
rows, columns = np.mgrid[0:10, 0:10]
light = np.cos(angle)[:, None, None] * rows + np.sin(angle)[:, None, None] * columns
X = (120 + 10 * light + generator.normal(0, 2, light.shape)).clip(0, 255).astype(np.uint8)
X = X.reshape(220, -1)
estimator = KNeighborsClassifier(9)
