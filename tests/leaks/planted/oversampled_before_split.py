"""The rare class is repeated until it is as frequent as the other."""

from imblearn.over_sampling import RandomOverSampler
from sklearn.datasets import make_classification
from sklearn.neighbors import KNeighborsClassifier

X, y = make_classification(260, 8, weights=[0.9], random_state=1)
X, y = RandomOverSampler(random_state=0).fit_resample(X, y)
estimator = KNeighborsClassifier(1)
expected = "copies_across_folds"
