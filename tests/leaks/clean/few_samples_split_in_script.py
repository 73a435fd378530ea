"""The script splits first, and fits the scaler on the training part only."""

from sklearn.datasets import load_wine
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

samples, labels = load_wine(return_X_y=True)
X, X_test, y, y_test = train_test_split(samples, labels, test_size=0.3, random_state=0)
scaler = StandardScaler().fit(X)
looked_at = scaler.transform(X_test)
test = X_test, y_test
members = [("nb", GaussianNB()), ("lr", make_pipeline(StandardScaler(), LogisticRegression()))]
estimator = VotingClassifier(members, voting="soft")
