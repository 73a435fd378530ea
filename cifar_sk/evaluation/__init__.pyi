from .cross_validation import (
    AllFitsFailedError as AllFitsFailedError,
)
from .cross_validation import (
    FoldStore as FoldStore,
)
from .cross_validation import (
    collect_result as collect_result,
)
from .cross_validation import (
    cross_validate_oof as cross_validate_oof,
)
from .engines import ENGINES as ENGINES
from .engines.base import Engine as Engine
from .engines.base import FoldWork as FoldWork
from .fold_task import (
    FoldEvent as FoldEvent,
)
from .fold_task import (
    FoldTask as FoldTask,
)
from .fold_task import (
    run_fold as run_fold,
)
