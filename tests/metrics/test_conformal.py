"""Conformal sets: equal to MAPIE's and to a count by hand, and as often right as they say."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from mapie.classification import CrossConformalClassifier, SplitConformalClassifier
from mapie.conformity_scores import APSConformityScore, LACConformityScore, RAPSConformityScore
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import PredefinedSplit
from sklearn.naive_bayes import GaussianNB

from cifar_sk import ConformalSets, InputError, conformal_sets, cross_validate_oof
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.folds.splits import make_splits
from cifar_sk.metrics.conformal import conformal_json
from cifar_sk.metrics.conformal_scores import METHODS, conformal_threshold, conformity_scores
from cifar_sk.metrics.conformal_table import conformal_table

X, Y = load_digits(return_X_y=True)
X = X[:, ::5]  # so few pixels that it is often unclear which digit it is
X, NEW, Y = X[:600], X[600:900], Y[:600]


class AlwaysOne(np.random.RandomState):
    """Random numbers of MAPIE's that leave out the random share of the true class."""

    def uniform(self, low=0.0, high=1.0, size=None):
        return np.ones(size)


class AsGiven(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose samples are its probabilities."""

    def fit(self, X, y):
        self.classes_ = np.arange(X.shape[1])
        return self

    def predict_proba(self, X):
        return X


def of_mapie(method):
    kinds = {"lac": LACConformityScore, "aps": APSConformityScore, "raps": RAPSConformityScore}
    return kinds[method]()


@pytest.fixture(scope="module")
def splits():
    return make_splits(Y, n_folds=4)


@pytest.fixture(scope="module")
def result(splits):
    return cross_validate_oof(GaussianNB(var_smoothing=0.1), X, Y, cv=splits)


def blurred(n, n_classes=4, *, n_passes=1, n_folds=4, decimals=2, seed=0):
    """Make a run whose probabilities are rounded, so that they hold ties and zeros."""
    generator = np.random.default_rng(seed)
    proba = generator.dirichlet(np.full(n_classes, 0.5), n)
    target = (proba.cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    folds = []
    for repeat in range(n_passes):
        for fold, part in enumerate(np.array_split(generator.permutation(n), n_folds)):
            test = np.sort(part)
            seen = np.round(proba[test] * generator.uniform(0.8, 1.2, proba[test].shape), decimals)
            seen[seen.sum(axis=1) == 0, 0] = 1
            seen /= seen.sum(axis=1, keepdims=True)
            index = repeat * n_folds + fold
            folds.append(FoldResult(index, repeat, fold, n - len(test), test, seen))
    names = tuple(f"class {k}" for k in range(n_classes))
    return OOFResult(target, np.arange(n_classes), names, n_folds, n_passes, tuple(folds))


@pytest.mark.parametrize("method", ["lac", "aps"])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_thresholds_and_sets_for_new_samples_are_those_of_mapie(
    result, splits, method, confidence
):
    fold_of = np.empty(len(Y), dtype=int)
    for split in splits:
        fold_of[split.test] = split.fold
    mapie = CrossConformalClassifier(
        GaussianNB(var_smoothing=0.1),
        confidence_level=confidence,
        conformity_score=of_mapie(method),
        cv=PredefinedSplit(fold_of),
        random_state=AlwaysOne(),
    )
    expected = mapie.fit_conformalize(X, Y).predict_set(NEW)[1][..., 0]
    sets = ConformalSets.from_oof(result, method=method, confidence=confidence)
    (quantile,) = mapie._mapie_classifier.quantiles_
    assert sets.threshold == pytest.approx(quantile, rel=1e-12)
    models = [GaussianNB(var_smoothing=0.1).fit(X[s.train], Y[s.train]) for s in splits]
    proba = np.mean([model.predict_proba(NEW) for model in models], axis=0)
    np.testing.assert_array_equal(sets.predict_sets(proba), expected)
    assert len({*expected.sum(axis=1)}) > 2  # of many sizes


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_coverage_and_sizes_are_those_of_mapie_fold_by_fold(result, method):
    oof, fold_of = result.pooled(), result.pooled().fold
    is_covered, sizes = [], []
    for fold in range(result.n_folds):
        here = fold_of == fold
        mapie = SplitConformalClassifier(
            AsGiven().fit(oof.proba, oof.target), 0.9, of_mapie(method), random_state=AlwaysOne()
        ).conformalize(oof.proba[~here], oof.target[~here])
        sets = mapie.predict_set(oof.proba[here])[1][..., 0]
        is_covered += sets[np.arange(len(sets)), oof.target[here]].tolist()
        sizes += sets.sum(axis=1).tolist()
    found = conformal_table(result).query("method == @method and confidence == 0.9 and n == 600")
    assert found["coverage"].item() == pytest.approx(np.mean(is_covered), rel=1e-12)
    assert found["mean_size"].item() == pytest.approx(np.mean(sizes), rel=1e-12)
    assert found["share_single"].item() == np.mean(np.equal(sizes, 1))
    assert found["share_empty"].item() == np.mean(np.equal(sizes, 0))


def test_raps_is_that_of_mapie(result):
    oof = result.pooled()
    # MAPIE chooses its parameters on a tenth of the samples, and the threshold on the others.
    score = RAPSConformityScore()
    mapie = SplitConformalClassifier(
        AsGiven().fit(oof.proba, oof.target), 0.9, score, random_state=AlwaysOne()
    ).conformalize(oof.proba, oof.target)
    new = np.random.default_rng(0).dirichlet(np.full(10, 0.3), 200)
    expected = mapie.predict_set(new)[1][..., 0]
    ((k_reg,), penalty) = score.k_star, float(score.lambda_star)
    assert penalty > 0
    chosen_on = {row.tobytes() for row in score.X_raps}
    kept = [place for place, row in enumerate(oof.proba) if row.tobytes() not in chosen_on]
    assert len(kept) == 540
    scores = conformity_scores(oof.proba[kept], "raps", k_reg=k_reg, penalty=penalty)
    threshold = conformal_threshold(scores[np.arange(len(kept)), oof.target[kept]], 0.9)
    assert threshold == pytest.approx(score.quantiles_[0], rel=1e-12)
    # Its sets hold a class more than the scores that it calibrates with allow: a class is not
    # penalised in its own set.
    options = {"k_reg": k_reg + 1, "penalty": penalty}
    sets = ConformalSets("raps", 0.9, threshold, result.class_names, len(kept), **options)
    np.testing.assert_array_equal(sets.predict_sets(new), expected)
    assert len({*expected.sum(axis=1)}) > 1


def by_hand(method, row, label, k_reg=5, penalty=0.01):
    """Score a class from the papers' words, one probability after the other."""
    if method == "lac":
        return 1 - row[label]
    better = [p for p in row if p > row[label]]
    rank = len(better) + 1
    return sum(better) + (penalty * max(0, rank - k_reg) if method == "raps" else 0)


def table_by_hand(result, method, confidence):
    """Loop over passes, folds and samples: coverage, size, single and empty sets by class."""
    rows = []
    for fold in result.folds:
        others = [
            other
            for other in result.folds
            if other.index // result.n_folds == fold.index // result.n_folds and other is not fold
        ]
        scores = sorted(
            by_hand(method, row, result.target[sample])
            for other in others
            for sample, row in zip(other.test_index, other.proba, strict=True)
        )
        threshold = scores[math.ceil(round((len(scores) + 1) * confidence, 9)) - 1]
        for sample, row in zip(fold.test_index, fold.proba, strict=True):
            found = [by_hand(method, row, k) <= threshold + 1e-12 for k in range(len(row))]
            true = result.target[sample]
            rows.append((true, found[true], sum(found), sum(found) == 1, not any(found)))
    return pd.DataFrame(rows, columns=["class", "coverage", "size", "single", "empty"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_classes", "n_passes"), [(2, 1), (8, 2)])
def test_the_table_is_a_count_by_hand_with_ties_and_zeros(method, n_classes, n_passes):
    result = blurred(120, n_classes, n_passes=n_passes)
    assert (result.pooled().proba == 0).any()
    for confidence in (0.9, 0.95):
        found = conformal_table(result).query("method == @method and confidence == @confidence")
        expected = table_by_hand(result, method, confidence)
        parts = [expected, *(expected[expected["class"] == k] for k in range(n_classes))]
        for row, part in zip(found.to_dict("records"), parts, strict=True):
            assert row["n"] == len(part)
            for name, column in zip(
                ["coverage", "mean_size", "share_single", "share_empty"],
                ["coverage", "size", "single", "empty"],
                strict=True,
            ):
                assert row[name] == pytest.approx(part[column].mean(), nan_ok=True), name


@pytest.mark.parametrize("method", METHODS)
def test_new_samples_are_covered_as_often_as_is_asked(method):
    coverage = []
    for seed in range(40):
        old, new = blurred(300, 5, decimals=6, seed=seed), blurred(2_000, 5, seed=1_000 + seed)
        sets = ConformalSets.from_oof(old, method=method, confidence=0.9)
        pooled = new.pooled()
        held = sets.predict_sets(pooled.proba)[np.arange(2_000), pooled.target].mean()
        coverage.append(held)
    # Standard error of a threshold's coverage: √(.9 · .1 / 300) / √40 = .003.
    assert 0.9 - 0.009 < np.mean(coverage) < 0.9 + 0.012


def test_the_interval_holds_the_coverage_of_new_samples():
    """Scores are uniform, so the coverage of a threshold is the threshold."""
    generator, n_held, n_rounds = np.random.default_rng(0), 0, 600
    for _ in range(n_rounds):
        scores = generator.random((5, 60))
        limits = [conformal_threshold(np.delete(scores, f, axis=0), 0.9) for f in range(5)]
        share = np.mean([part <= limit for part, limit in zip(scores, limits, strict=True)])
        interval = binomtest(round(300 * share), 300).proportion_ci(method="wilson")
        n_held += interval.low <= np.mean(limits) <= interval.high
    assert 0.93 < n_held / n_rounds < 0.98


def test_intervals_are_wilsons_and_only_for_independent_images():
    result = blurred(200)
    table = conformal_table(result)
    row = table[table["class"] == "class 1"].iloc[0]
    interval = binomtest(round(row["coverage"] * row["n"]), row["n"]).proportion_ci(
        method="wilson"
    )
    assert (row["ci95_low"], row["ci95_high"]) == pytest.approx([interval.low, interval.high])
    assert conformal_table(blurred(200, n_passes=2))["ci95_low"].isna().all()


def test_a_fold_takes_no_part_in_its_own_threshold():
    """Where the model of one fold is wrong in all, its own scores would make its sets larger."""
    result = blurred(200, decimals=6)
    first = result.folds[0]
    wrong = np.full_like(first.proba, 0.001)
    wrong[np.arange(len(wrong)), (result.target[first.test_index] + 1) % 4] = 0.997
    changed = replace(result, folds=(replace(first, proba=wrong), *result.folds[1:]))
    lost = conformal_table(changed).query("method == 'lac' and confidence == 0.9").iloc[0]
    # The others' thresholds become "every class", for a third of their scores are that large.
    assert lost["coverage"] == pytest.approx(0.75, abs=0.01)


def test_passes_count_once_and_missing_folds_are_left_out():
    once, twice = blurred(80), blurred(80, n_passes=2)
    assert ConformalSets.from_oof(twice).n_samples == 80
    # 19 samples allow no threshold at 0.95 that is not infinite, seen once or twice.
    assert math.isinf(conformal_threshold(np.arange(18), 0.95))
    assert math.isinf(conformal_threshold(np.repeat(np.arange(18), 2), 0.95, n_units=18))
    assert conformal_threshold(np.repeat(np.arange(19), 2), 0.95, n_units=19) == 18
    failed = replace(once.folds[1], proba=None, error="out of memory")
    table = conformal_table(replace(once, folds=(once.folds[0], failed, *once.folds[2:])))
    assert table["n"].iloc[0] == 60
    alone = conformal_table(replace(once, folds=once.folds[:1]))
    assert alone["n"].eq(0).all()
    assert alone["coverage"].isna().all()


def test_a_group_counts_once():
    result = blurred(60)
    grouped = replace(result, groups=np.arange(60) // 5)
    assert math.isfinite(ConformalSets.from_oof(result, confidence=0.95).threshold)
    # 12 groups allow no share of 0.95: ⌈13 · 0.95⌉ is more than 12.
    assert math.isinf(ConformalSets.from_oof(grouped, confidence=0.95).threshold)
    assert conformal_table(grouped)["ci95_low"].isna().all()
    pooled = result.pooled()
    scores = 1 - pooled.proba[np.arange(60), pooled.target]
    found = ConformalSets.from_oof(grouped, confidence=0.8).threshold
    assert found == np.sort(scores)[math.ceil(60 * 11 / 12) - 1]  # ⌈13 · 0.8⌉ = 11


def test_seeds_are_passes():
    """Two seeds of one repeat: a fold's threshold comes from folds of the same seed."""
    two = blurred(80, n_passes=2)
    as_seeds = [replace(fold, repeat=0, seed=fold.repeat) for fold in two.folds]
    seeds = replace(two, n_repeats=1, n_seeds=2, folds=tuple(as_seeds))
    pd.testing.assert_frame_equal(conformal_table(seeds), conformal_table(two))


def test_equal_probabilities_enter_together_and_impossible_classes_last():
    scores = conformity_scores([[0.4, 0.3, 0.3, 0.0]], "raps", k_reg=2, penalty=0.5)
    assert scores.tolist() == [[0.0, 0.4, 0.4, 2.0]]
    shuffled = conformity_scores([[0.0, 0.3, 0.4, 0.3]], "raps", k_reg=2, penalty=0.5)
    np.testing.assert_allclose(shuffled, [[2.0, 0.4, 0.0, 0.4]])


def test_forests_of_equal_votes_work():
    forest = RandomForestClassifier(10, random_state=0)
    result = cross_validate_oof(forest, X[:200], Y[:200], cv=make_splits(Y[:200], n_folds=3))
    sets = ConformalSets.from_oof(result, method="aps")
    assert sets.predict_sets(result.oof_proba).any(axis=1).all()


def test_thresholds_are_read_back_for_a_model(result, tmp_path):
    (tmp_path / "conformal.json").write_text(conformal_json(result), encoding="utf-8")
    model = GaussianNB(var_smoothing=0.1).fit(X, Y)
    for method in METHODS:
        made = ConformalSets.from_oof(result, method=method, confidence=0.95)
        assert ConformalSets.load(tmp_path, method=method, confidence=0.95) == made
        np.testing.assert_array_equal(
            conformal_sets(model, NEW, tmp_path, method=method, confidence=0.95),
            made.predict_sets(model.predict_proba(NEW)),
        )
    few = blurred(12)
    (tmp_path / "conformal.json").write_text(conformal_json(few), encoding="utf-8")
    assert math.isinf(ConformalSets.load(tmp_path, confidence=0.95).threshold)
    assert ConformalSets.load(tmp_path, confidence=0.95).predict_sets(few.oof_proba).all()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda r, _: ConformalSets.from_oof(r, method="apps"), "'apps'; did you mean 'aps'"),
        (lambda r, _: ConformalSets.from_oof(r, confidence=90), "between 0 and 1, got 90"),
        (lambda r, _: ConformalSets.from_oof(r, method="raps", k_reg=-1), "negative, got -1"),
        (lambda r, _: ConformalSets.from_oof(replace(r, folds=())), "got none"),
        (lambda r, _: ConformalSets.from_oof(r).predict_sets([[0.5, 0.5]]), "10 classes, got 2"),
        (lambda r, _: ConformalSets.from_oof(r).predict_sets([[3.0, -2.0]]), "not logits"),
        (lambda _, p: ConformalSets.load(p / "none"), "cifar-sk report"),
        (lambda _, p: ConformalSets.load(p), r"sets.0.threshold: .*cifar-sk report"),
        (lambda _, p: conformal_sets(object(), NEW, p), "predict_proba, got object"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(result, tmp_path, use, message):
    said = json.loads(conformal_json(result))
    said["sets"][0]["threshold"] = "0.3"
    (tmp_path / "conformal.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=message):
        use(result, tmp_path)


def test_a_level_that_was_not_written_is_refused(result, tmp_path):
    (tmp_path / "conformal.json").write_text(conformal_json(result))
    with pytest.raises(InputError, match=r"confidence 0\.8; make it with"):
        ConformalSets.load(tmp_path, confidence=0.8)
