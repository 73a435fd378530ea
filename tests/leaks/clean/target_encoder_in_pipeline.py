"""Categories are encoded by labels of the training fold, cross-fitted."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

generator = np.random.default_rng(0)
X = generator.integers(0, 25, (250, 3)).astype(float)
y = ((X[:, 0] % 5 < 2) ^ (generator.random(250) < 0.2)).astype(int)
estimator = make_pipeline(TargetEncoder(random_state=0), LogisticRegression())
