"""Frames of one film stand on one side of every fold."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold

generator = np.random.default_rng(8)
scenes = generator.integers(40, 200, (20, 12, 12))
frames = scenes.repeat(10, axis=0) + generator.normal(0, 3, (200, 12, 12))
X = frames.clip(0, 255).astype(np.uint8).reshape(200, -1)
groups = np.arange(20).repeat(10)
y = groups % 2
cv = GroupKFold(5)
estimator = RandomForestClassifier(10, random_state=0)
