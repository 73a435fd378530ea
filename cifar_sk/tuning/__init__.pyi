from .pruning import FoldPruner as FoldPruner
from .search import StudySearchCV as StudySearchCV
from .shipped_spaces import SPACES as SPACES
from .spaces import SearchSpace as SearchSpace
