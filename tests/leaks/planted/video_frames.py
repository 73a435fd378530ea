"""Twenty films of ten frames each: neighbours in time stand in different folds."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier

generator = np.random.default_rng(8)
scenes = generator.integers(40, 200, (20, 12, 12))
frames = scenes.repeat(10, axis=0) + generator.normal(0, 3, (200, 12, 12))
X = frames.clip(0, 255).astype(np.uint8).reshape(200, -1)
y = (np.arange(20) % 2).repeat(10)
estimator = RandomForestClassifier(10, random_state=0)
expected = "near_copies"
