"""Images that occur more than once: exact copies, near-duplicates, and what folds make of them."""

from cifar_sk.duplicates.groups import join_groups
from cifar_sk.duplicates.near import NearDuplicates, find_near_duplicates

__all__ = ["NearDuplicates", "find_near_duplicates", "join_groups"]
