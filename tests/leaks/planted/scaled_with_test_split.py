"""Training and test split are standardised together."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
test = X[400:], y[400:]
X, y = X[:400], y[:400]
estimator = LogisticRegression()
expected = "preprocessed_outside"
