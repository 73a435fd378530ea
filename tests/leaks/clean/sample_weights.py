"""Rare classes weigh more in the fit; labels are names."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

X, codes = load_iris(return_X_y=True)
X, y = X[10:130], np.array(["setosa", "versicolor", "virginica"])[codes[10:130]]
fit_params = {"sample_weight": compute_sample_weight("balanced", y)}
estimator = LogisticRegression(max_iter=200)
