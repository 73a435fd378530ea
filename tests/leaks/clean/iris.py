"""Four good features, each of which nearly tells the class."""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)
estimator = LogisticRegression(max_iter=200)
