"""Of ships the upper third is bright sky, of forests it is not, and so it is in the world."""

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression

generator = np.random.default_rng(6)
y = generator.integers(0, 2, 240)
images = gaussian_filter(generator.normal(100, 120, (240, 16, 16)), (0, 2, 2))
slope = np.clip(1 - np.arange(16) / 8, 0, 1)[:, None]
images += np.where(y == 1, 45, 0)[:, None, None] * slope
X = images.clip(0, 255).astype(np.uint8).reshape(240, -1)
estimator = LogisticRegression(max_iter=30)
