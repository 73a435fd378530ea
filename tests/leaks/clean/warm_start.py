"""`warm_start` is set, but every fold begins with a clone."""

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
estimator = MLPClassifier((8,), warm_start=True, max_iter=60, tol=1e-2, random_state=0)
