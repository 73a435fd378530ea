"""The best features are chosen with the labels of all samples, on real images."""

from sklearn.datasets import load_digits
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.naive_bayes import GaussianNB

from cifar_sk import cross_validate_oof

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
best = SelectKBest(f_classif, k=20).fit(X, y)
X = best.transform(X)
estimator = GaussianNB()


def main():
    return cross_validate_oof(estimator, X, y, cv=3)


expected = "fitted_before_split"
