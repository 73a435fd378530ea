"""One feature separates two species perfectly, as nature made them."""

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

X, y = load_iris(return_X_y=True)
X, y = X[:100], y[:100]
estimator = DecisionTreeClassifier(random_state=0)
