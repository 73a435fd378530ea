"""What the fold loop takes: any samples of scikit-learn's, labels, fit parameters; and refuses."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from joblib.externals.loky import get_reusable_executor
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cifar_sk import InputError, RunFolder, cross_validate_oof
from cifar_sk.evaluation import AllFitsFailedError
from cifar_sk.runs.folder import read_manifest
from cifar_sk.runs.manifest import DataRecord
from cifar_sk.runs.own_files import finished

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), np.arange(40) % 2
W = RNG.uniform(0.1, 5, 40)
FOLDS = StratifiedKFold(2)
MODEL = LogisticRegression(C=1.0)


class Rows:
    """An array of another library: a shape, and rows by position."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, key):
        return Rows(self.values[key])

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


CONTAINERS = {
    "DataFrame": lambda A: pd.DataFrame(A, columns=list("abc"), index=range(len(A), 0, -1)),
    "list": lambda A: A.tolist(),
    "list of arrays": list,
    "csr_matrix": scipy.sparse.csr_matrix,
    "csc_array": scipy.sparse.csc_array,
    "coo_matrix": scipy.sparse.coo_matrix,
    "other array": Rows,
}


def evaluate(A=X, y=Y, model=MODEL, **options):
    return cross_validate_oof(model, A, y, cv=FOLDS, **options)


@pytest.fixture(scope="module")
def expected():
    return evaluate(holdout=(X[:7], Y[:7]))


@pytest.mark.parametrize("kind", CONTAINERS)
def test_samples_are_indexed_as_scikit_learn_does(kind, expected, tmp_path):
    contain = CONTAINERS[kind]
    options = {"holdout": (contain(X[:7]), Y[:7].tolist()), "store": tmp_path / "run"}
    result = evaluate(contain(X), pd.Series(Y, index=range(40, 0, -1)), **options)
    np.testing.assert_allclose(result.oof_proba, expected.oof_proba, atol=1e-6)
    for fold, other in zip(result.folds, expected.folds, strict=True):
        np.testing.assert_allclose(fold.holdout_proba, other.holdout_proba, atol=1e-6)
    assert read_manifest(tmp_path / "run").data.image_shape == (3,)

    heard = []
    evaluate(contain(X), Y, **options, listener=heard.append)  # the same run, which is finished
    assert heard == []
    changed = X.copy()
    changed[5, 1] += 1
    with pytest.raises(InputError, match=r"data.fingerprint was"):
        evaluate(contain(changed), Y, **options)


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_engines_take_frames_sparse_matrices_and_weights(engine, expected, tmp_path):
    for kind in ("DataFrame", "csr_matrix"):
        A = CONTAINERS[kind](X)
        options = {"params": {"sample_weight": W}, "n_jobs": 2, "engine": engine}
        result = evaluate(A, Y, holdout=(A[:7], Y[:7]), store=tmp_path / kind, **options)
        np.testing.assert_array_equal(
            result.oof_proba, evaluate(A, Y, params={"sample_weight": W}).oof_proba
        )


def test_a_frame_keeps_its_columns():
    from sklearn.compose import make_column_transformer

    frame = pd.DataFrame({"size": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")})
    pick = make_column_transformer((StandardScaler(), ["size"]))
    model = make_pipeline(pick, LogisticRegression())
    ours = evaluate(frame, model=model).oof_proba
    theirs = cross_val_predict(model, frame, Y, cv=FOLDS, method="predict_proba")
    np.testing.assert_allclose(ours, theirs)


MIXED = pd.DataFrame({"n": [1, 2, 3], "s": ["a", None, "b"], "c": pd.Categorical(["u", "v", "u"])})
PRINT_FINGERPRINTS = """
import numpy as np, pandas as pd, scipy.sparse
from cifar_sk.runs.manifest import DataRecord
mixed = pd.DataFrame(
    {"n": [1, 2, 3], "s": ["a", None, "b"], "c": pd.Categorical(["u", "v", "u"])}
)
for A in (mixed, scipy.sparse.eye_array(3).tocoo(), ["one", "two", "three"], [[1], [2, 3], []]):
    print(DataRecord.of_arrays(A, np.array([0, 1, 0]), ["x", "y"]).fingerprint)
"""


def test_fingerprints_are_the_same_in_another_process():
    samples = (
        MIXED,
        scipy.sparse.csr_matrix(np.eye(3)),
        ["one", "two", "three"],
        [[1], [2, 3], []],
    )
    here = [DataRecord.of_arrays(A, np.array([0, 1, 0]), ["x", "y"]).fingerprint for A in samples]
    command = [sys.executable, "-c", PRINT_FINGERPRINTS]
    there = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert here == there
    assert len(set(here)) == 4
    renamed = DataRecord.of_arrays(
        MIXED.rename(columns={"n": "m"}), np.array([0, 1, 0]), ["x", "y"]
    )
    assert renamed.fingerprint != here[0]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"A": {"a": X}}, "X must hold samples by position, .* got dict"),
        ({"A": 3}, "X must hold samples by position, .* got int"),
        ({"A": (row for row in X)}, "X must hold samples by position, .* got generator"),
        ({"A": X[:0], "y": Y[:0]}, "X has no samples"),
        ({"A": scipy.sparse.csr_matrix(X[:9])}, "X has 9 samples, but y has 40"),
        (
            {"y": np.eye(2)[Y]},
            r"one label for each sample, got .* shape \(40, 2\); of one",
        ),
        ({"y": scipy.sparse.csr_matrix(Y)}, "one label for each sample, got csr_matrix"),
        ({"y": X[:, 0]}, "numbers that are not whole, or NaN"),
        ({"y": np.where(Y == 0, np.nan, 1.0)}, "numbers that are not whole, or NaN"),
        ({"y": ["a", None] * 20}, "no label for sample 1"),
        ({"y": ["a", np.nan] * 20}, "no label for sample 1"),
        ({"y": pd.Series(["a", 1] * 20)}, "labels of one kind, got int, str; make them text"),
        ({"holdout": X}, r"holdout must be a pair \(X, y\), got ndarray"),
        ({"holdout": (pd.DataFrame(X), Y[:3])}, "test split has 40 samples, but 3 labels"),
        ({"holdout": (3, Y)}, "holdout X must hold samples by position"),
        ({"scoring": "roc_auc"}, "scoring='roc_auc' is not used: .*METRICS.register"),
        ({"params": [1]}, "params must map names to what fit is given"),
        ({"params": {"sample_weight": W[:9]}}, "sample_weight must hold a number for each of the"),
        ({"params": {"sample_weight": -W}}, "finite numbers from 0 on that are not all 0, got -"),
        (
            {"params": {"a__sample_weight": np.append(W[1:], np.nan)}},
            "_weight .* got nan",
        ),
        ({"params": {"sample_weight": 0 * W}}, "not all 0, got 0 to 0"),
        ({"params": {"sample_weight": ["x"] * 40}}, "sample_weight must hold numbers"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_the_first_fold(kwargs, message):
    heard = []
    with pytest.raises(InputError, match=message) as error:
        evaluate(**kwargs, listener=heard.append)
    assert "\n" not in str(error.value)
    assert heard == []


@pytest.mark.parametrize("y", [Y[:, None], pd.Series(Y).astype("category"), Y.astype(float)])
def test_labels_of_other_forms(y, expected):
    np.testing.assert_allclose(evaluate(y=y).oof_proba, expected.oof_proba)


# --- every fold fails -------------------------------------------------------------------------


class Fails(DummyClassifier):
    def fit(self, X, y):
        raise MemoryError(f"no room for {'many' if 0 in np.asarray(X)[:, 0] else 'these'}")


NUMBERED = np.arange(40.0).reshape(40, 1)


@pytest.mark.parametrize(
    ("model", "A", "message"),
    [
        (LogisticRegression(), X * np.nan, "All the 2 fits failed: ValueError: Input X contains"),
        (Fails(), X, "All the 2 fits failed: MemoryError: no room for these$"),
        (Fails(), NUMBERED, r"All the 2 fits failed: MemoryError: no room .* \(and 1 other"),
    ],
)
@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_a_result_without_a_prediction_is_an_error(model, A, message, engine):
    with pytest.raises(AllFitsFailedError, match=message) as error:
        evaluate(A, model=model, engine=engine)
    assert len(error.value.result.failed) == 2


def test_a_store_is_told_why_every_fit_failed_and_a_new_folder_goes(tmp_path):
    with pytest.raises(InputError, match="All the 2 fits failed"):
        evaluate(model=Fails(), store=tmp_path / "run")
    assert not (tmp_path / "run").exists()

    evaluate(store=tmp_path / "run")
    with (
        pytest.raises(InputError, match="All the 2 fits failed"),
        RunFolder.open(tmp_path / "run", overwrite=True) as folder,
    ):
        evaluate(model=Fails(), store=folder)
    assert [fold.name for fold in finished(tmp_path / "run")] == ["00", "01"]  # of the run before


class FailsLater(DummyClassifier):
    """Fails where sample 0 is trained on."""

    broken = True

    def fit(self, X, y):
        if FailsLater.broken and 0 in X[:, 0]:
            raise RuntimeError("not yet")
        return super().fit(X, y)


def test_finished_folds_outlive_a_run_whose_others_all_fail(tmp_path):
    for _ in range(2):  # then again, with the first fold finished
        result = evaluate(NUMBERED, model=FailsLater(), store=tmp_path / "run")
        assert [fold.error for fold in result.folds] == [None, "RuntimeError: not yet"]
    assert read_manifest(tmp_path / "run").status == "failed folds"
    FailsLater.broken = False
    assert not evaluate(NUMBERED, model=FailsLater(), store=tmp_path / "run").failed


# --- fit parameters ---------------------------------------------------------------------------


def test_weights_are_cut_by_fold_and_passed_on(expected):
    weighted = evaluate(params={"sample_weight": W})
    by_hand = np.empty((40, 2))
    for train, test in FOLDS.split(X, Y):
        model = LogisticRegression().fit(X[train], Y[train], sample_weight=W[train])
        by_hand[test] = model.predict_proba(X[test])
    np.testing.assert_allclose(weighted.oof_proba, by_hand)
    assert not np.allclose(weighted.oof_proba, expected.oof_proba)
    for w in (W.tolist(), pd.Series(W, index=range(40, 0, -1))):
        np.testing.assert_array_equal(
            evaluate(params={"sample_weight": w}).oof_proba, weighted.oof_proba
        )
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), LogisticRegression())
    of_step = evaluate(model=pipeline, params={"logisticregression__sample_weight": W})
    np.testing.assert_allclose(of_step.oof_proba, weighted.oof_proba)
    with pytest.raises(InputError, match=r"All the 2 fits failed: .*logisticregression__sample_w"):
        evaluate(model=pipeline, params={"sample_weight": W})  # scikit-learn's own remedy


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_metadata_is_routed_where_routing_is_enabled(engine):
    expected = evaluate(params={"sample_weight": W}).oof_proba
    scaler = StandardScaler(with_mean=False, with_std=False)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        scaler.set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model)
        result = evaluate(model=pipeline, params={"sample_weight": W}, engine=engine)
        np.testing.assert_allclose(result.oof_proba, expected)
        with pytest.raises(InputError, match=r"params cannot be routed: .*sample_weight"):
            evaluate(params={"sample_weight": W}, engine=engine)
    if engine == "processes":
        get_reusable_executor().shutdown(wait=True)


def test_weights_are_part_of_what_a_run_is(tmp_path):
    run = tmp_path / "run"
    evaluate(params={"sample_weight": W}, store=run)
    assert list(json.loads((run / "run.json").read_text())["identity"]["fit_params"]) == [
        "sample_weight"
    ]
    heard = []
    evaluate(params={"sample_weight": W.copy()}, store=run, listener=heard.append)
    assert heard == []
    for params in ({"sample_weight": W[::-1]}, None):
        with pytest.raises(InputError, match=r"fit_params.sample_weight was|fit_params was"):
            evaluate(params=params, store=run)
