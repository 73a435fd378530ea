"""The fold loop: any scikit-learn classifier in, out-of-fold predictions out."""

from cifar_sk.evaluation.cross_validation import FoldStore, collect_result, cross_validate_oof
from cifar_sk.evaluation.engines import Engine, FoldWork, engines
from cifar_sk.evaluation.fold_task import FoldEvent, FoldTask, run_fold

__all__ = [
    "Engine",
    "FoldEvent",
    "FoldStore",
    "FoldTask",
    "FoldWork",
    "collect_result",
    "cross_validate_oof",
    "engines",
    "run_fold",
]
