"""The middle pixels of an image tell a 0 from a 1."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

X, y = load_digits(n_class=2, return_X_y=True)
X, y = X[:240], y[:240]
estimator = LogisticRegression()
