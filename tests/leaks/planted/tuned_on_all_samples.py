"""The parameters of the winner were searched on the very samples that are then scored."""

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from cifar_sk import cross_validate_oof

X, y = load_digits(return_X_y=True)
X, y = X[:200], y[:200]
search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 5, 9]}, cv=2)
search.fit(X, y)
estimator = DecisionTreeClassifier(**search.best_params_, random_state=0)


def main():
    return cross_validate_oof(estimator, X, y, cv=5)


expected = "fitted_before_split"
