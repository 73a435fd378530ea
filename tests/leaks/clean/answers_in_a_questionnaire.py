"""Six yes/no answers: many people give the same ones, and are no copies of each other."""

import numpy as np
from sklearn.naive_bayes import BernoulliNB

generator = np.random.default_rng(1)
X = (generator.random((250, 6)) < [0.5, 0.3, 0.7, 0.4, 0.2, 0.5]).astype(float)
y = ((X[:, 0] + X[:, 2] + generator.random(250)) > 1.5).astype(int)
estimator = BernoulliNB()
