"""Rules one by one, where a script would show too little."""

import numpy as np
import pytest
from made_runs import made_run, with_folds
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from cifar_sk import InputError, cross_validate_oof, make_splits
from cifar_sk.leaks import RULES, Finding, LeakWarning, audit, leak_rule
from cifar_sk.leaks.findings import Leak
from cifar_sk.leaks.records import stopped_on_scored_fold
from cifar_sk.leaks.sources import audit_source
from cifar_sk.leaks.subject import Subject, hash_rows
from cifar_sk.leaks.telling_features import skills_of

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.random((120, 6)), np.arange(120) % 3


def names(*arguments, **options):
    return [finding.name for finding in audit(GaussianNB(), *arguments, **options)]


@pytest.mark.parametrize("scaler", [RobustScaler(), QuantileTransformer(n_quantiles=120)])
def test_other_scalers_leave_traces(scaler):
    assert names(scaler.fit_transform(X), Y, probes=False) == ["preprocessed_outside"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_mean_for_all_pixels_is_noticed(dtype):
    images = load_digits().images[:200]
    images = ((images - images.mean()) / images.std()).astype(dtype)
    found = names(images, load_digits().target[:200], probes=False)
    assert found == ["preprocessed_outside"]


def test_runs_are_warned_of_what_costs_little():
    with pytest.warns(LeakWarning, match=r"every column has mean 0 and standard deviation 1"):
        cross_validate_oof(GaussianNB(), (X - X.mean(0)) / X.std(0), Y, cv=3)


def test_a_clean_run_warns_of_nothing(recwarn):
    cross_validate_oof(GaussianNB(), X, Y, cv=3)
    assert [w for w in recwarn if issubclass(w.category, LeakWarning)] == []


def test_a_smoothed_target_encoding_is_noticed():
    shop, y = GENERATOR.integers(0, 15, 120), Y % 2
    sums, counts = np.bincount(shop, y), np.bincount(shop)
    encoded = ((sums + 5 * y.mean()) / (counts + 5))[shop]
    assert "target_encoded" in names(np.c_[X, encoded], y, probes=False)


def test_a_rule_of_one_feature_scores_as_a_simulation_does():
    codes = GENERATOR.integers(0, 4, 4_000)
    columns = np.c_[
        codes, np.where(GENERATOR.random(4_000) < 0.5, codes, 0), GENERATOR.random(4_000)
    ]
    perfect, half, none = skills_of(columns.astype(float), codes)
    assert perfect == 1
    # Half of the codes 1 to 3 tell themselves; a 0 is best taken for the most frequent class, 0.
    assert half == pytest.approx((1 / 4 + 3 / 8 - 1 / 4) / (3 / 4), abs=0.03)
    assert none == pytest.approx(0, abs=0.03)


def test_hashes_are_those_of_equal_rows():
    rows = np.array([[1, 2], [3, 4], [1, 2]], np.uint8)
    first, second, third = hash_rows(rows)
    assert first == third != second


def test_what_is_changed_is_put_back(digits):
    images, y = digits
    gallery = images.reshape(len(images), -1).astype(float)
    kept = gallery.copy()

    class Reads(GaussianNB):
        def fit(self, X, y):
            return super().fit(np.r_[X, gallery[:50]], np.r_[y, y[:50]])

    gallery.flags.writeable = False
    found = audit(Reads(var_smoothing=1e-2), gallery[:200], y[:200], cv=3)
    assert "scored_samples_read" in [finding.name for finding in found]
    assert np.array_equal(gallery, kept)
    assert not gallery.flags.writeable


@pytest.mark.parametrize(("shift", "is_leak"), [(0.0, True), (0.03, False)])
def test_a_run_that_was_watched_on_the_scored_fold(shift, is_leak):
    run = made_run("watched", (0.5, 0.55, 0.6))
    folds = tuple(
        with_folds(run, history={"val_accuracy": [0.2, right + shift]}).result.folds[index]
        for index, right in enumerate((0.5, 0.55, 0.6))
    )
    result = type(run.result)(**{**run.result.__dict__, "folds": folds})
    assert bool(list(stopped_on_scored_fold(result))) == is_leak


@pytest.mark.parametrize(
    ("code", "n_findings"),
    [
        ("X = scale(X)\ncross_val_score(model, X, y)", 1),
        ("X2 = PCA().fit_transform(X)[:, :3]\nX2 = X2 + 1\ncross_validate(model, X2, y)", 1),
        ("Xr, yr = SMOTE().fit_resample(X, y)\na, b = train_test_split(Xr)", 1),
        ("s.fit(X)\nX = s.transform(X)\nfor a, b in KFold().split(X):\n    pass", 1),
        ("def main():\n    Z = scale(X)\n    return cross_val_score(model, Z, y)", 1),
        ("a, b = train_test_split(X)\ns.fit(a)\nc = s.transform(b)\nmodel.score(c, y)", 0),
        ("X = scale(X)\nX = load()\ncross_val_score(model, X, y)", 0),
        ("for a, b in KFold().split(X):\n    Z = scale(X[a])\n    model.fit(Z, y[a])", 0),
        ("model = make_pipeline(SMOTE(), SVC()).fit(X, y)\ncross_val_score(model, X, y)", 0),
    ],
)
def test_scripts_are_read(tmp_path, code, n_findings):
    (tmp_path / "script.py").write_text(code)
    assert len(audit_source(tmp_path / "script.py")) == n_findings


def test_a_script_that_is_no_python_is_a_sentence(tmp_path):
    (tmp_path / "script.py").write_text("def (")
    with pytest.raises(InputError, match=r"script\.py cannot be read as Python"):
        audit_source(tmp_path / "script.py")


def test_a_rule_of_ones_own():
    @leak_rule("too_few")
    def too_few(subject):
        if len(subject.y) < 200:
            yield Leak("there are few samples", "get more", {"samples": len(subject.y)})

    try:
        found = audit(GaussianNB(), X, Y, probes=False)
    finally:
        RULES.remove("too_few")
    assert found == [Finding("too_few", "there are few samples", "get more", {"samples": 120})]


def test_arguments_that_do_not_fit():
    with pytest.raises(InputError, match="X and y do not fit together"):
        audit(GaussianNB(), X, Y[:50])
    with pytest.raises(InputError, match="needs labels of one dimension"):
        audit(GaussianNB(), X, Y[:, None])


def test_groups_that_a_run_keeps_are_looked_at():
    splits = make_splits(Y, n_folds=3)
    subject = Subject(None, None, Y, splits, groups=np.arange(120) // 2)
    assert [f.name for f in RULES["group_overlap"].findings("group_overlap", subject)]
