"""The fold loop: any scikit-learn classifier in, out-of-fold predictions out."""

from cifar_sk.evaluation.cross_validation import FoldStore, collect_result, cross_validate_oof
from cifar_sk.evaluation.fold_task import FoldEvent

__all__ = ["FoldEvent", "FoldStore", "collect_result", "cross_validate_oof"]
