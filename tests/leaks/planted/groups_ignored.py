"""Groups are given, but the splitter does not ask for them."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

generator = np.random.default_rng(0)
groups = np.repeat(np.arange(40), 5)
centres = generator.normal(size=(40, 6))
X = centres[groups] + generator.normal(size=(200, 6))
y = (np.arange(40) % 2)[groups]
cv = StratifiedKFold(5, shuffle=True, random_state=0)
estimator = LogisticRegression()
expected = "group_overlap"
