"""Nothing that is fitted sees what early stopping watches."""

import pickle

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import Pipeline as ImblearnPipeline
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from cifar_sk import (
    ANNClassifier,
    FastCNNClassifier,
    InnerSplitPipeline,
    InputError,
    cross_validate_oof,
    make_model,
)
from cifar_sk.estimators.training import adapt_layers
from cifar_sk.folds.steps import check_resampling, groups_params
from cifar_sk.networks.layers import Whitening
from cifar_sk.pipelines.models import set_params
from cifar_sk.runs.manifest import pipeline_description

RNG = np.random.default_rng(0)
# Noise, so that nothing but a leak can be learnt; no two images are the same.
X = RNG.integers(0, 256, (60, 4, 4, 1), dtype=np.uint8)
Y = np.repeat(["cat", "dog"], [42, 18])
GROUPS = np.arange(60) // 3


class Recorder(ANNClassifier):
    """Keeps the pixels that it is to train on and to watch; it is slow enough without training."""

    def _fit_keras_model(self, X, y, sample_weight, groups=None, incremental=False, **kwargs):
        batches, watched = self._make_batches(X, y, sample_weight, groups, incremental)
        self.trained_, self.watched_ = (_contents(part) for part in (batches, watched))


def _contents(batches):
    """Return images, and what else belongs to them."""
    return batches and [array[batches.index] for array in batches._arrays]


def recorder(**params):
    return Recorder(**{"hidden_units": (), "random_state": 0, **params})


def numbers(contents):
    """Name the samples of X that images are; -1 for others."""
    position = {image.tobytes(): k for k, image in enumerate(X)}
    return np.array([position.get(image.tobytes(), -1) for image in contents[0]])


def resampled(name, classifier=None):
    pipeline = make_model("ann", augment="flip", resample=name)
    set_params(pipeline, {"imageresampler__sampler__random_state": 0})
    return pipeline.set_params(classifier=classifier or recorder())


# --- resampling -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smote", "oversample", "undersample"])
def test_what_is_watched_is_neither_copied_nor_interpolated_into_training(name):
    pipeline = resampled(name).fit(X, Y)
    watched = numbers(pipeline[-1].watched_)
    assert len(watched) == 6
    assert -1 not in watched  # originals, and not what SMOTE made
    inner = np.setdiff1d(np.arange(60), watched)
    # Exactly what the sampler makes of the inner training part: it has seen nothing else.
    images, _ = clone(pipeline[0]).fit_resample(X[inner], Y[inner])
    np.testing.assert_array_equal(pipeline[-1].trained_[0], images)
    assert not set(watched) & set(numbers(pipeline[-1].trained_))


def test_other_pipelines_train_on_copies_of_what_is_watched_and_that_is_said():
    leaky = ImblearnPipeline(resampled("oversample").steps)
    leaky.fit(X, Y)
    copied = np.isin(numbers(leaky[-1].watched_), numbers(leaky[-1].trained_))
    assert copied.mean() > 0.3
    message = "'imageresampler' resamples before Recorder holds out .* use cifar_sk.InnerSplitPip"
    for estimator in (leaky, GridSearchCV(leaky, {}), Pipeline([("all", leaky)])):
        with pytest.warns(UserWarning, match=message):
            check_resampling(estimator)
    with pytest.raises(UserWarning, match=message):  # an error in these tests, before any fit
        cross_validate_oof(leaky, X, Y)


@pytest.mark.parametrize(
    "estimator",
    [
        resampled("smote"),
        ImblearnPipeline(
            resampled("smote", recorder(early_stopping=False, schedule="cosine")).steps
        ),
        ImblearnPipeline(resampled("smote", LogisticRegression()).steps),
        make_model("cnn", augment="flip"),
    ],
)
def test_no_warning_where_nothing_is_watched_or_the_split_comes_first(estimator):
    check_resampling(estimator)


def test_a_leak_makes_the_watched_loss_small_and_the_training_long():
    images = np.random.default_rng(1).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    labels = np.repeat(["cat", "dog"], [52, 8])
    given = {"hidden_units": (32,), "learning_rate": 1e-2, "batch_size": 30, "epochs": 15}
    watch = {"validation_fraction": 0.25, "n_iter_no_change": 3, "schedule": "constant"}
    honest = resampled("oversample", ANNClassifier(**given, **watch, random_state=0))
    honest.set_params(randomflip="passthrough")
    leaky = ImblearnPipeline(clone(honest).steps)
    one, other = (pipeline.fit(images, labels)[-1] for pipeline in (honest, leaky))
    # Noise tells nothing of its label, so that no loss is below the entropy of the classes but
    # that of images which were trained on.
    entropy = -(np.log(52 / 60) * 52 + np.log(8 / 60) * 8) / 60
    assert min(one.history_["val_loss"]) > entropy > 1.5 * min(other.history_["val_loss"])
    assert one.n_epochs_ < other.n_epochs_ == 15


# --- groups -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [recorder, lambda: resampled("smote")])
def test_no_member_of_a_watched_group_is_trained_on(make):
    estimator = make()
    estimator.fit(X, Y, **groups_params(estimator, GROUPS))
    classifier = estimator[-1] if hasattr(estimator, "steps") else estimator
    watched = GROUPS[numbers(classifier.watched_)]
    trained = numbers(classifier.trained_)
    assert len(watched) == 6
    assert not set(watched) & set(GROUPS[trained[trained >= 0]])
    assert len(np.unique(watched)) == 2


def test_without_groups_members_of_watched_groups_are_trained_on():
    classifier = recorder().fit(X, Y)
    watched, trained = (
        GROUPS[numbers(part)] for part in (classifier.watched_, classifier.trained_)
    )
    assert np.isin(watched, trained).all()


def test_groups_are_handed_over_to_what_takes_them():
    assert groups_params(recorder(), GROUPS) == {"groups": GROUPS}
    assert groups_params(resampled("smote"), GROUPS) == {"classifier__groups": GROUPS}
    nested = Pipeline([("outer", resampled("smote"))])
    assert groups_params(nested, GROUPS) == {"outer__classifier__groups": GROUPS}
    assert groups_params(make_model("logistic"), GROUPS) == {}
    assert groups_params(ImblearnPipeline(resampled("smote").steps), GROUPS) == {}
    assert groups_params(recorder(), None) == {}


def test_scikit_learn_routes_groups_unless_told_not_to():
    with sklearn.config_context(enable_metadata_routing=True):
        for pipeline in (resampled("oversample"), Pipeline([("classifier", recorder())])):
            assert groups_params(pipeline, GROUPS) == {"groups": GROUPS}
            watched = numbers(pipeline.fit(X, Y, groups=GROUPS)[-1].watched_)
            assert len(np.unique(GROUPS[watched])) == 2
        search = GridSearchCV(pipeline, {"classifier__epochs": [1]}, cv=GroupKFold(2))
        watched = numbers(search.fit(X, Y, groups=GROUPS).best_estimator_[-1].watched_)
        assert len(np.unique(GROUPS[watched])) == 2
        refusing = recorder().set_fit_request(groups=False)
        assert groups_params(Pipeline([("classifier", refusing)]), GROUPS) == {}


@pytest.mark.parametrize("params", [{}, {"early_stopping": False, "schedule": "constant"}])
def test_groups_of_other_samples_are_refused(params):
    with pytest.raises(InputError, match="59 groups for 60 samples"):
        recorder(**params).fit(X, Y, groups=GROUPS[1:])


# --- what else is fitted ----------------------------------------------------------------------


class Seeing(TransformerMixin, BaseEstimator):
    """Keeps what it is fitted on, and adds 1000 to what it transforms later."""

    def fit(self, X, y):
        self.seen_ = X
        return self

    def fit_transform(self, X, y):
        return self.fit(X, y).seen_.astype(float) - 500

    def transform(self, X):
        return X.astype(float) - 1000


def test_transformers_are_fitted_on_the_rest_and_applied_as_at_predict():
    pipeline = InnerSplitPipeline([("see", Seeing()), ("classifier", recorder())]).fit(X, Y)
    classifier = pipeline[-1]
    trained, watched = classifier.trained_[0], classifier.watched_[0]
    np.testing.assert_array_equal(trained + 500, pipeline[0].seen_)
    held_out = numbers([(watched + 1000).astype(np.uint8)])
    assert len(held_out) == 6
    assert not set(held_out) & set(numbers([pipeline[0].seen_]))


def test_whitening_is_computed_of_the_rest():
    given = {"width": 1, "expansion": 1, "epochs": 1, "crop": 1, "precision": "float32"}
    fast = FastCNNClassifier(**given, early_stopping=True, random_state=0)
    (train, _), seen = fast.hold_out(Y), []
    pipeline = InnerSplitPipeline(
        [("keep", FunctionTransformer(lambda A: seen.append(A) or A)), ("classifier", fast)]
    ).fit(X, Y)
    np.testing.assert_array_equal(seen[0], X[train])
    np.testing.assert_array_equal(seen[1], np.delete(X, train, axis=0))
    model = pipeline[-1].model_
    kept = whitening(model)
    adapt_layers(model, X[train], np.arange(len(train)))
    for weight, before in zip(whitening(model), kept, strict=True):
        np.testing.assert_array_equal(weight, before)


def whitening(model):
    (layer,) = (m for m in model.layers[-1].layers if isinstance(m, Whitening))
    return [np.array(weight) for weight in layer.non_trainable_weights]


# --- weights, classes, seeds ------------------------------------------------------------------


def test_where_no_step_is_fitted_it_is_the_plain_pipeline_to_the_bit():
    weight = np.where(np.arange(60) % 7, RNG.random(60), 0)
    steps = [("same", FunctionTransformer()), ("classifier", recorder())]
    plain, ours = (
        kind(steps).fit(X, Y, classifier__sample_weight=weight)[-1]
        for kind in (Pipeline, InnerSplitPipeline)
    )
    for part in ("trained_", "watched_"):
        for one, other in zip(getattr(plain, part), getattr(ours, part), strict=True):
            np.testing.assert_array_equal(one, other)


def test_class_weights_are_balanced_on_what_is_trained_on():
    classifier = recorder(class_weight="balanced")
    steps = [("same", FunctionTransformer()), ("classifier", classifier)]
    InnerSplitPipeline(steps).fit(X, Y)
    n_of = np.bincount(classifier.trained_[1])
    for _, target, weight in (classifier.trained_, classifier.watched_):
        np.testing.assert_allclose(weight, (n_of.sum() / 2 / n_of)[target], rtol=1e-6)


def test_weights_cannot_follow_samples_through_resampling():
    with pytest.raises(InputError, match="'imageresampler', which resamples them; leave one of"):
        resampled("smote").fit(X, Y, classifier__sample_weight=np.ones(60))


def test_a_sampler_that_drops_a_class_is_refused():
    from imblearn import FunctionSampler

    dropping = FunctionSampler(func=only_cats, validate=False)
    pipeline = InnerSplitPipeline([("drop", dropping), ("classifier", recorder())])
    with pytest.raises(InputError, match="leave 2 classes to train on, but"):
        pipeline.fit(X, np.where(np.arange(60) % 3, Y, "eel"))


def only_cats(A, b):
    return A[b != "dog"], b[b != "dog"]


@pytest.mark.parametrize("random_state", [3, None, np.random.RandomState(3)])
def test_a_warm_start_holds_out_the_same_samples(random_state):
    pipeline = resampled("oversample", recorder(random_state=random_state, warm_start=True))
    first, second = (numbers(pipeline.fit(X, Y)[-1].watched_) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_of_the_split_stays_with_the_classifier():
    pipeline = resampled("oversample").fit(X, Y)
    assert pipeline[-1]._read_watched is None
    copy = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(copy.predict_proba(X), pipeline.predict_proba(X))
    assert repr(clone(pipeline)) == repr(pipeline)
    alone = clone(pipeline)[-1].fit(X, Y)  # and it draws its own again
    assert len(alone.watched_[0]) == 6


# --- the identity of runs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "resample", "is_new"),
    [
        ("cnn", "none", False),
        ("cnn", "smote", True),
        ("fast", "smote", False),
        ("dummy", "smote", False),
    ],
)
def test_only_runs_whose_numbers_changed_have_another_identity(model, resample, is_new):
    pipeline = make_model(model, resample=resample)
    described = pipeline_description(pipeline)
    assert ("inner_split" in described) is is_new
    searched = pipeline_description(GridSearchCV(pipeline, {}))
    assert ("inner_split" in searched) is is_new
    described.pop("inner_split", None)
    of_others = Pipeline if resample == "none" else ImblearnPipeline
    assert described == pipeline_description(of_others(pipeline.steps))
