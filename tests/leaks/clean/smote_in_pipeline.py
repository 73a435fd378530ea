"""SMOTE is a step of imbalanced-learn's pipeline and sees training folds only."""

from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(240, 12, n_informative=6, weights=[0.85], random_state=0)
estimator = make_pipeline(
    SMOTE(random_state=0, k_neighbors=3), DecisionTreeClassifier(random_state=0)
)
