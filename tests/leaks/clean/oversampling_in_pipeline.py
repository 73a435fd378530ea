"""The rare class is repeated inside the training folds."""

from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.datasets import make_classification
from sklearn.neighbors import KNeighborsClassifier

X, y = make_classification(260, 8, weights=[0.9], random_state=1)
estimator = make_pipeline(RandomOverSampler(random_state=0), KNeighborsClassifier(1))
