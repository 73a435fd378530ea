"""The ways in which classifiers are used elsewhere, on images and on rows: docs/scikit-learn.md.

A row of the table is a name and a function; where it cannot work, the message says why.
"""

import copy
import os
import pickle
import re
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn import calibration, ensemble, inspection, metrics, model_selection, multiclass
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import ShuffleSplit
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.estimator_checks import check_estimator

from cifar_sk import ANNClassifier, ImageResampler, RandomFlip

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),  # of `without_graphs`
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # MLflow's own
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred"),
]

Y = np.repeat(list("abc"), 10)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 60, (30, 4, 4, 1), dtype=np.uint8)
IMAGES[np.arange(30), np.arange(30) // 10] = 255  # each class has a bright line of its own
WEIGHT = np.where(Y == "c", 0.0, 1.0) + RNG.random(30)
ONCE = ShuffleSplit(1, test_size=0.5, random_state=0)


def softmax_regression(**params):
    """One layer that learns the images in an epoch; plain SGD is the quickest to trace."""
    defaults = {
        "hidden_units": (),
        "optimizer": "sgd",
        "learning_rate": 1.0,
        "epochs": 1,
        "batch_size": 5,
        "early_stopping": False,
        "schedule": "constant",
        "random_state": 0,
    }
    return ANNClassifier(**{**defaults, **params})


class Given(NamedTuple):
    """What a way gets: an unfitted and a fitted classifier, samples, labels, a folder."""

    classifier: ANNClassifier
    fitted: ANNClassifier
    X: np.ndarray
    y: np.ndarray
    folder: Path


class Way(NamedTuple):
    name: str
    call: Callable[[Given], Any]
    refusals: dict[str, str]


WAYS: list[Way] = []


def way(name, **refusals):
    """Add a function to the table; a keyword "images" or "rows" is the error to be raised."""

    def add(call):
        WAYS.append(Way(name, call, refusals))
        return call

    return add


TWO_DIMENSIONS = "Found array with dim 4"


def learns(estimator, given):
    assert estimator.fit(given.X, given.y).score(given.X, given.y) == 1


def is_binary(y):
    return np.where(y == "c", "c", "ab")


# --- meta-estimators --------------------------------------------------------------------------

for name, make, refusals in [
    ("BaggingClassifier", lambda c: ensemble.BaggingClassifier(c, 2), TWO_DIMENSIONS),
    ("StackingClassifier", lambda c: ensemble.StackingClassifier([("a", c)], cv=2), None),
    (
        "CalibratedClassifierCV",
        lambda c: calibration.CalibratedClassifierCV(c, cv=2, ensemble=False),
        None,
    ),
    ("OneVsRestClassifier", multiclass.OneVsRestClassifier, None),
    ("OneVsOneClassifier", multiclass.OneVsOneClassifier, TWO_DIMENSIONS),
    (
        "OutputCodeClassifier",
        lambda c: multiclass.OutputCodeClassifier(c, code_size=1, random_state=0),
        TWO_DIMENSIONS,
    ),
    ("BalancedBaggingClassifier", lambda c: BalancedBaggingClassifier(c, 2), TWO_DIMENSIONS),
    (
        "EasyEnsembleClassifier",
        lambda c: EasyEnsembleClassifier(2, estimator=c),
        TWO_DIMENSIONS,
    ),
]:
    way(name, **({"images": refusals} if refusals else {}))(
        lambda given, make=make: learns(make(given.classifier), given)
    )


@way("AdaBoostClassifier")
def _(given):
    # Its weights sum to 1, and would make plain SGD n times as slow.
    adam = given.classifier.set_params(optimizer="adam", learning_rate=0.1)
    learns(ensemble.AdaBoostClassifier(adam, n_estimators=2), given)


@way("VotingClassifier")
def _(given):
    model = ensemble.VotingClassifier([("a", given.classifier)], voting="soft")
    learns(model, given)
    assert model.set_params(voting="hard").score(given.X, given.y) == 1


@way("SelfTrainingClassifier", images=TWO_DIMENSIONS)
def _(given):
    y = np.unique(given.y, return_inverse=True)[1]
    partly = np.where(np.arange(30) % 2, y, -1)
    model = SelfTrainingClassifier(given.classifier, max_iter=1).fit(given.X, partly)
    assert (model.predict(given.X) == y).all()


@way("FixedThresholdClassifier")
def _(given):
    y = is_binary(given.y)
    model = model_selection.FixedThresholdClassifier(
        given.classifier, threshold=0.0, pos_label="c", response_method="decision_function"
    )
    assert model.fit(given.X, y).score(given.X, y) == 1


@way("TunedThresholdClassifierCV")
def _(given):
    y = is_binary(given.y)
    model = model_selection.TunedThresholdClassifierCV(given.classifier, cv=0.5, refit=False)
    assert 0 < model.fit(given.X, y).best_threshold_ < 1


@way("MultiOutputClassifier")
def _(given):
    y = np.stack([given.y, given.y], axis=1)
    model = MultiOutputClassifier(given.classifier).fit(given.X, y)
    assert (model.predict(given.X) == y).all()


@way("ClassifierChain", images=TWO_DIMENSIONS, rows="rows must hold 16 numbers")
def _(given):
    y = np.stack([given.y == "a", given.y != "c"], axis=1).astype(int)
    ClassifierChain(given.classifier).fit(given.X / 255, y)


@way("FrozenEstimator")
def _(given):
    model = calibration.CalibratedClassifierCV(FrozenEstimator(given.fitted), method="isotonic")
    learns(model, given)


@way("RFE", images=TWO_DIMENSIONS, rows="coef_")
def _(given):
    RFE(given.classifier).fit(given.X, given.y)


@way("SequentialFeatureSelector", images=TWO_DIMENSIONS, rows="image_shape")
def _(given):
    SequentialFeatureSelector(given.classifier, n_features_to_select=1, cv=ONCE).fit(
        given.X, given.y
    )


# --- searches ---------------------------------------------------------------------------------


def search(searcher, given, expected):
    searcher.fit(given.X, given.y)
    assert searcher.best_params_ == expected
    assert searcher.score(given.X, given.y) == 1


@way("GridSearchCV")
def _(given):
    grid = {"learning_rate": [1e-9, 1.0]}
    search(
        model_selection.GridSearchCV(given.classifier, grid, cv=ONCE, error_score="raise"),
        given,
        {"learning_rate": 1.0},
    )


@way("RandomizedSearchCV")
def _(given):
    grid = {"optimizer__momentum": [0.5]}
    search(
        model_selection.RandomizedSearchCV(
            given.classifier, grid, n_iter=1, cv=ONCE, error_score="raise"
        ),
        given,
        {"optimizer__momentum": 0.5},
    )


@way("HalvingGridSearchCV")
def _(given):
    searcher = model_selection.HalvingGridSearchCV(
        given.classifier,
        {"learning_rate": [1e-9, 1.0]},
        resource="epochs",
        min_resources=1,
        max_resources=2,
        factor=2,
        cv=ONCE,
        error_score="raise",
    )
    search(searcher, given, {"learning_rate": 1.0, "epochs": 2})


# --- validation -------------------------------------------------------------------------------


@way("cross_val_score")
def _(given):
    scores = model_selection.cross_val_score(
        given.classifier, given.X, given.y, cv=ONCE, error_score="raise"
    )
    assert scores.tolist() == [1]


@way("cross_validate")
def _(given):
    scoring = ["accuracy", "neg_log_loss", "roc_auc_ovr"]
    scores = model_selection.cross_validate(
        given.classifier, given.X, given.y, cv=ONCE, scoring=scoring, error_score="raise"
    )
    assert scores["test_accuracy"] == scores["test_roc_auc_ovr"] == 1
    assert -0.5 < scores["test_neg_log_loss"] < 0


@way("cross_val_predict")
def _(given):
    proba = model_selection.cross_val_predict(
        given.classifier, given.X, given.y, cv=2, method="predict_proba"
    )
    assert (np.unique(given.y)[proba.argmax(axis=1)] == given.y).all()


@way("learning_curve")
def _(given):
    sizes, train, _ = model_selection.learning_curve(
        given.classifier, given.X, given.y, cv=ONCE, train_sizes=[1.0], error_score="raise"
    )
    assert sizes.tolist() == [15]
    assert train.tolist() == [[1]]


@way("validation_curve")
def _(given):
    train, _ = model_selection.validation_curve(
        given.classifier,
        given.X,
        given.y,
        cv=ONCE,
        param_name="learning_rate",
        param_range=[1e-9, 1.0],
        error_score="raise",
    )
    assert train[0] < train[1] == 1


@way("permutation_test_score")
def _(given):
    score, permuted, _ = model_selection.permutation_test_score(
        given.classifier, given.X, given.y, cv=ONCE, n_permutations=1, random_state=0
    )
    assert score == 1 > permuted


# --- pipelines --------------------------------------------------------------------------------


@way("Pipeline with augmentation", rows="reshape them before this step")
def _(given):
    learns(make_pipeline(RandomFlip(), given.classifier), given)


@way("FunctionTransformer")
def _(given):
    learns(
        make_pipeline(FunctionTransformer(np.flip, kw_args={"axis": 1}), given.classifier), given
    )


@way("ColumnTransformer", images="dim 4|columns|DataFrame")
def _(given):
    columns = ColumnTransformer([("pixels", "passthrough", slice(0, 16))])
    learns(make_pipeline(columns, given.classifier), given)


@way("Pipeline with memory")
def _(given):
    steps = [StandardScaler(with_std=False)] if given.X.ndim == 2 else [RandomFlip(random_state=0)]
    made = make_pipeline(*steps, given.classifier, memory=str(given.folder))
    proba = [clone(made).fit(given.X, given.y).predict_proba(given.X) for _ in range(2)]
    np.testing.assert_array_equal(*proba)
    assert list(given.folder.rglob("output.pkl"))


@way("set_output", images="`set_output` is not available")
def _(given):
    step = StandardScaler(with_std=False) if given.X.ndim == 2 else RandomFlip()
    made = make_pipeline(step, given.classifier).set_output(transform="pandas")
    learns(made, given)
    assert made[-1].feature_names_in_[0] == "x0"


@way("imblearn sampler", images=TWO_DIMENSIONS)
def _(given):
    learns(make_imblearn_pipeline(RandomOverSampler(), given.classifier), given)


@way("ImageResampler", rows="images")
def _(given):
    sampler = ImageResampler(sampler=RandomOverSampler())
    learns(make_imblearn_pipeline(sampler, RandomFlip(), given.classifier), given)


# --- sample weights and metadata --------------------------------------------------------------


def is_weighted(estimator, given, X, index=slice(None)):
    """Compare with a fit that is given the weights directly."""
    by_hand = clone(given.classifier).fit(X, given.y[index], WEIGHT[index])
    expected = by_hand.predict_proba(given.X)
    np.testing.assert_array_equal(estimator.predict_proba(given.X), expected)
    assert not np.array_equal(expected, given.fitted.predict_proba(given.X))


@way("step__sample_weight")
def _(given):
    pipeline = make_pipeline(FunctionTransformer(), given.classifier)
    pipeline.fit(given.X, given.y, annclassifier__sample_weight=WEIGHT)
    is_weighted(pipeline, given, given.X)


@way("set_fit_request, set_score_request")
def _(given):
    step = FunctionTransformer() if given.X.ndim == 2 else RandomFlip(random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = given.classifier.set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        grid = model_selection.GridSearchCV(
            make_pipeline(step, classifier),
            {"annclassifier__batch_size": [5]},
            cv=ONCE,
            error_score="raise",
        ).fit(given.X, given.y, sample_weight=WEIGHT)
        made = model_selection.cross_validate(
            classifier,
            given.X,
            given.y,
            params={"sample_weight": WEIGHT},
            cv=ONCE,
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
    is_weighted(grid, given, step.fit_transform(given.X))
    index = made["indices"]["train"][0]
    is_weighted(made["estimator"][0], given, given.X[index], index)


# --- inspection -------------------------------------------------------------------------------


@way("permutation_importance", images=TWO_DIMENSIONS)
def _(given):
    found = inspection.permutation_importance(
        given.fitted, given.X, given.y, n_repeats=1, max_samples=9, random_state=0
    )
    assert found.importances_mean.shape == (16,)


@way("partial_dependence", images="2D NumPy array")
def _(given):
    X = given.X / 255  # it refuses integers
    fitted = given.classifier.fit(X, given.y)
    found = inspection.partial_dependence(fitted, X, [0], grid_resolution=2)
    assert found["average"].shape == (3, 2)


@way("displays by from_estimator")
def _(given):
    matrix = metrics.ConfusionMatrixDisplay.from_estimator(given.fitted, given.X, given.y)
    assert matrix.confusion_matrix.tolist() == np.diag([10, 10, 10]).tolist()


# --- copies and files -------------------------------------------------------------------------


@way("clone")
def _(given):
    copied = clone(given.fitted)
    assert copied.get_params() == given.fitted.get_params()
    assert not hasattr(copied, "model_")


def through_file(given):
    joblib.dump(given.fitted, given.folder / "fitted")
    return joblib.load(given.folder / "fitted")


for name, copied in [
    ("pickle", lambda given: pickle.loads(pickle.dumps(given.fitted))),
    ("cloudpickle", lambda given: pickle.loads(cloudpickle.dumps(given.fitted))),
    ("deepcopy", lambda given: copy.deepcopy(given.fitted)),
    ("joblib", through_file),
]:
    way(name)(
        lambda given, copied=copied: np.testing.assert_array_equal(
            copied(given).predict_proba(given.X), given.fitted.predict_proba(given.X)
        )
    )


# --- skore and MLflow -------------------------------------------------------------------------


@way("skore.EstimatorReport")
def _(given):
    import skore

    report = skore.EstimatorReport(given.fitted, X_test=given.X, y_test=given.y)
    assert report.metrics.accuracy() == 1
    assert report.metrics.log_loss() < 0.5


@way("skore.CrossValidationReport")
def _(given):
    import skore

    report = skore.CrossValidationReport(given.classifier, given.X, given.y, splitter=ONCE)
    table = report.metrics.summarize().frame()
    assert "accuracy" in table.index


@contextmanager
def tracking(folder):
    """MLflow with a database in a folder; its patches of scikit-learn are taken back."""
    import mlflow.sklearn
    from mlflow.utils.autologging_utils.safety import revert_patches

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment(str(time.time()), artifact_location=str(folder))
    )
    try:
        with mlflow.start_run() as run:
            yield mlflow, run.info.run_id
    finally:
        mlflow.sklearn.autolog(disable=True)
        revert_patches("sklearn")


@way("mlflow.sklearn.autolog")
def _(given):
    with tracking(given.folder.parent) as (mlflow, run_id):
        mlflow.sklearn.autolog(log_models=False)
        learns(make_pipeline(FunctionTransformer(), given.classifier), given)
        logged = mlflow.get_run(run_id).data
    assert logged.params["annclassifier__learning_rate"] == "1.0"
    assert logged.metrics["training_accuracy_score"] == 1


@way("mlflow.sklearn.log_model")
def _(given):
    with tracking(given.folder.parent) as (mlflow, _):
        model = mlflow.sklearn.log_model(
            given.fitted,
            name="model",
            serialization_format="cloudpickle",
            pip_requirements=["cifar_sk"],  # else another process imports all, to find out
        )
        loaded = mlflow.sklearn.load_model(model.model_uri)
    np.testing.assert_array_equal(
        loaded.predict_proba(given.X), given.fitted.predict_proba(given.X)
    )


# --- the table --------------------------------------------------------------------------------

KINDS = {"images": IMAGES, "rows": IMAGES.reshape(30, -1)}
FITTED: dict[str, ANNClassifier] = {}


def given_of(kind, folder):
    X = KINDS[kind]
    classifier = softmax_regression(image_shape=(4, 4, 1) if kind == "rows" else None)
    if kind not in FITTED:
        FITTED[kind] = clone(classifier).fit(X, Y)
    return Given(classifier, FITTED[kind], X, Y, folder)


@pytest.fixture
def without_graphs():
    """Fit in half of the time; graphs have no part in what scikit-learn sees."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("without_graphs")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("used", WAYS, ids=lambda used: used.name)
def test_way(used, kind, tmp_path):
    given = given_of(kind, tmp_path)
    if kind not in used.refusals:
        used.call(given)
        return
    with pytest.raises((ValueError, AttributeError), match=used.refusals[kind]):
        used.call(given)


# --- scikit-learn's own checks, and the page --------------------------------------------------

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated sample changes the batches, so "
    "stochastic training differs from a weight of two",
    "check_estimator_tags_renamed": "scikeras 0.13 has `_more_tags` too, which nothing reads",
}


@pytest.mark.usefixtures("without_graphs")
def test_check_estimator():
    classifier = softmax_regression(
        optimizer_params={"clipvalue": 10.0},  # some checks weigh a class by 1,000
        epochs=3,
        batch_size=32,
    )
    results = check_estimator(
        classifier, expected_failed_checks=EXPECTED_FAILURES, on_skip=None, on_fail=None
    )
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    expected = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert expected == {*EXPECTED_FAILURES}
    assert sum(r["status"] == "passed" for r in results) > 40


PAGE = (Path(__file__).parents[1] / "docs/scikit-learn.md").read_text(encoding="utf-8")


def test_the_page_says_what_is_tested():
    lines = [line[2:-1].split(" |") for line in PAGE.splitlines() if line.startswith("| `")]
    rows = {name.strip("`"): [cell.strip() for cell in cells] for name, *cells in lines}
    ways = {name: cells[:2] for name, cells in rows.items() if len(cells) > 2}
    tested = {
        used.name: ["no" if kind in used.refusals else "yes" for kind in ("images", "rows")]
        for used in WAYS
    }
    assert ways == tested
    assert all("no" not in cells or cells[2] for cells in rows.values() if len(cells) > 2)
    assert {
        name: cells[0] for name, cells in rows.items() if name not in ways
    } == EXPECTED_FAILURES


def test_the_page_shows_what_runs():
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, {})
