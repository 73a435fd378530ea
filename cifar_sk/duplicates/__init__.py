"""Images that occur more than once: exact copies, near-duplicates, and what folds make of them."""

from cifar_sk.duplicates.across_folds import copied_across_folds, copies_sentence
from cifar_sk.duplicates.groups import join_groups
from cifar_sk.duplicates.near import NearDuplicates, find_near_duplicates
from cifar_sk.duplicates.splits import SplitDuplicates, find_in_splits

__all__ = [
    "NearDuplicates",
    "SplitDuplicates",
    "copied_across_folds",
    "copies_sentence",
    "find_in_splits",
    "find_near_duplicates",
    "join_groups",
]
