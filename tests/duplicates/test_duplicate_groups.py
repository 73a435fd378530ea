import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cifar_sk.duplicates.groups import group_pairs, join_groups
from cifar_sk.errors import InputError


def as_sets(groups):
    return {frozenset(np.flatnonzero(groups == g).tolist()) for g in np.unique(groups)}


def test_groups_are_connected_components():
    rng = np.random.default_rng(0)
    pairs = [tuple(sorted(pair)) for pair in rng.choice(200, (120, 2)).tolist()]
    groups, n_cut = group_pairs(200, [(a, b, False) for a, b in pairs], 200)
    graph = coo_array((np.ones(120), np.transpose(pairs)), shape=(200, 200))
    assert as_sets(groups) == as_sets(connected_components(graph, directed=False)[1])
    assert n_cut == 0
    assert groups[0] == 0
    assert (np.diff([np.flatnonzero(groups == g)[0] for g in np.unique(groups)]) > 0).all()


def test_a_long_chain_is_cut_where_it_is_weakest():
    links = [(0, 1, False), (2, 3, False), (4, 5, False), (1, 2, False), (3, 4, False)]
    groups, n_cut = group_pairs(6, links, 4)
    assert as_sets(groups) == {frozenset({0, 1, 2, 3}), frozenset({4, 5})}
    assert n_cut == 1


def test_a_pair_that_other_pairs_join_later_is_not_cut():
    links = [(0, 1, False), (2, 3, False), (1, 2, False), (1, 3, True)]
    groups, n_cut = group_pairs(4, links, 2)
    assert as_sets(groups) == {frozenset({0, 1, 2, 3})}
    assert n_cut == 0


def test_joined_groups_keep_together_what_either_does():
    one, other = np.array(["b", "b", "a", "c", "d"], dtype=object), np.array([4, 5, 5, 6, 4])
    assert as_sets(join_groups(one, other)) == {frozenset({0, 1, 2, 4}), frozenset({3})}
    assert as_sets(join_groups(other)) == as_sets(other)


def test_groups_of_other_samples_are_refused():
    with pytest.raises(InputError, match="same samples"):
        join_groups(np.arange(3), np.arange(4))
