"""The rare class is filled up by SMOTE before the folds are made."""

from imblearn.over_sampling import SMOTE
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(240, 12, n_informative=6, weights=[0.85], random_state=0)
X, y = SMOTE(random_state=0).fit_resample(X, y)
estimator = DecisionTreeClassifier(random_state=0)
expected = "interpolated_samples"
