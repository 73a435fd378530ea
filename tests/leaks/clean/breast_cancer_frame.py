"""A DataFrame of measurements, imputed and scaled in a ColumnTransformer."""

from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X, y = X.iloc[:300], y[:300]
X = X.mask(X.iloc[5].iloc[0] == X)
steps = make_pipeline(SimpleImputer(), StandardScaler())
estimator = make_pipeline(make_column_transformer((steps, list(X.columns))), LogisticRegression())
