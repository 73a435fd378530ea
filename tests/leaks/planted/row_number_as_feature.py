"""The row number of a file that is sorted by class came along as a column."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

generator = np.random.default_rng(2)
y = np.repeat([0, 1, 2], 70)
X = np.c_[np.arange(210), generator.normal(size=(210, 5))]
estimator = DecisionTreeClassifier(random_state=0)
expected = ("order_in_features", "label_in_features")
