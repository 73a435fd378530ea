"""The honest parts: what a fold sees, what it never sees, and that nothing else matters."""

import random
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from joblib import parallel_config
from memory_store import Store
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from cifar_sk import (
    ANNClassifier,
    CNNClassifier,
    InputError,
    MixUp,
    RandomCrop,
    RandomFlip,
    RunFolder,
    cross_validate_oof,
)
from cifar_sk.augmentation import AugmentedImages
from cifar_sk.estimators import fitting
from cifar_sk.folds.splits import make_splits, split_fingerprint
from cifar_sk.folds.steps import seeded_clone
from cifar_sk.networks import NETWORKS, register
from cifar_sk.pipelines.models import make_model
from cifar_sk.runs.own_files import finished

FIVE = StratifiedKFold(5, shuffle=True, random_state=0)
TWO = StratifiedKFold(2, shuffle=True, random_state=0)


def tiny_ann(**params):
    return ANNClassifier(**{"hidden_units": (16,), "epochs": 3, "learning_rate": 1e-2, **params})


def accuracy(result):
    return [(f.proba.argmax(axis=1) == result.target[f.test_index]).mean() for f in result.scored]


def assert_same_predictions(first, second):
    for one, other in zip(first.folds, second.folds, strict=True):
        np.testing.assert_array_equal(one.test_index, other.test_index)
        np.testing.assert_array_equal(one.proba, other.proba)
        assert one.history == other.history


# --- the scored fold never reaches fit --------------------------------------------------------


class Recording(ClassifierMixin, BaseEstimator):
    """Writes down which samples it was fitted on; each sample holds its own number."""

    seen: list = []  # noqa: RUF012  (shared by clones on purpose)

    def fit(self, X, y):
        Recording.seen.append(np.asarray(X).reshape(len(X), -1)[:, 0].astype(int))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_fit_sees_the_training_fold_and_nothing_of_the_scored_one():
    X, y = np.arange(40).reshape(40, 1), np.arange(40) % 2
    Recording.seen = []
    result = cross_validate_oof(Recording(), X, y, cv=FIVE)
    assert len(Recording.seen) == 5
    for seen, fold in zip(Recording.seen, result.folds, strict=True):
        np.testing.assert_array_equal(np.sort(np.r_[seen, fold.test_index]), np.arange(40))


def test_neither_training_nor_early_stopping_reads_the_scored_fold(monkeypatch):
    """Every batch that a network of ours reads in fit is looked at."""
    X = np.zeros((100, 8, 8, 1), np.uint8)
    X[:, 0, 0, 0] = np.arange(100)  # each image holds its own number
    y = np.arange(100) % 2
    read = {"train": set(), "validation": set()}

    class Watching(fitting.BatchSequence):
        def __init__(self, images, index, *args, target=None, seed=None, **kwargs):
            self.purpose = None if target is None else "validation" if seed is None else "train"
            super().__init__(images, index, *args, target=target, seed=seed, **kwargs)

        def __getitem__(self, position):
            batch = super().__getitem__(position)
            if self.purpose is not None:
                read[self.purpose].update(batch[0][:, 0, 0, 0].tolist())
            return batch

    monkeypatch.setattr(fitting, "BatchSequence", Watching)

    def look(event):
        if event.result is None:
            return
        test = set(event.result.test_index.tolist())
        assert not test & (read["train"] | read["validation"])
        assert not read["train"] & read["validation"]
        assert test | read["train"] | read["validation"] == set(range(100))
        assert len(read["validation"]) == 10
        read["train"].clear()
        read["validation"].clear()

    estimator = make_pipeline(RandomFlip(), tiny_ann(epochs=2, validation_fraction=0.2))
    result = cross_validate_oof(estimator, X, y, cv=TWO, listener=look)
    assert not result.failed


def test_resampling_stays_inside_the_training_fold(digits):
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline as make_imblearn_pipeline

    from cifar_sk import ImageResampler

    X = np.arange(60).reshape(60, 1, 1, 1)
    y = np.repeat([0, 1], [45, 15])
    Recording.seen = []
    resampler = ImageResampler(sampler=RandomOverSampler(random_state=0))
    result = cross_validate_oof(make_imblearn_pipeline(resampler, Recording()), X, y, cv=FIVE)
    for seen, fold in zip(Recording.seen, result.folds, strict=True):
        assert len(seen) == 2 * 36  # balanced
        assert not set(seen) & set(fold.test_index)


def test_shuffled_labels_score_at_chance(digits):
    X, y = digits
    shuffled = np.random.default_rng(0).permutation(y)
    result = cross_validate_oof(tiny_ann(epochs=5), X, shuffled, cv=2)
    pooled = np.mean(result.oof_proba.argmax(axis=1) == result.target)
    # Chance is 0.1; five standard errors of a proportion of 400 are 0.075.
    assert 0.025 < pooled < 0.175
    assert np.mean(accuracy(cross_validate_oof(tiny_ann(epochs=5), X, y, cv=2))) > 0.7


# --- augmentation -----------------------------------------------------------------------------


def test_augmentation_is_absent_at_predict_and_fresh_in_training(digits, monkeypatch):
    X, y = digits
    trained, evaluated = [], []
    original = fitting.TrainingModel.call

    class Spying(fitting.TrainingModel):
        def call(self, images, training=False):
            import keras

            if training:
                augmented, _ = self.augmentation(keras.ops.cast(images, "float32") / 255)
                trained.append(np.array(augmented))
            else:
                evaluated.append(np.array(images))
            return original(self, images, training=training)

    def eager(trainer, optimizer):
        trainer.compile(optimizer, run_eagerly=True)

    monkeypatch.setattr(fitting, "TrainingModel", Spying)
    monkeypatch.setattr(fitting, "compile_training", eager)
    pipeline = make_pipeline(
        RandomCrop(2), tiny_ann(epochs=3, batch_size=1000, random_state=0, validation_fraction=0.1)
    ).fit(X, y)
    assert len(trained) == 3
    assert not np.array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[1], trained[2])
    assert {tuple(image.ravel()) for image in np.concatenate(evaluated)} <= {
        tuple(image.ravel()) for image in X
    }
    classifier = pipeline[-1]
    np.testing.assert_array_equal(pipeline.predict_proba(X), classifier.predict_proba(X))
    assert pipeline[0].transform(X) is X


def test_other_estimators_get_one_draw():
    X = np.random.default_rng(0).integers(0, 256, (60, 6, 6, 1), dtype=np.uint8)
    y = np.arange(60) % 3
    flatten = FunctionTransformer(lambda images: np.asarray(images).reshape(len(images), -1))
    pipeline = make_pipeline(RandomFlip(), flatten, LogisticRegression(max_iter=1000))
    assert isinstance(RandomFlip().fit_transform(X), AugmentedImages)
    first, second = (cross_validate_oof(pipeline, X, y, cv=3, random_state=1) for _ in range(2))
    assert_same_predictions(first, second)  # the step without a seed got one from the run


# --- seeds ------------------------------------------------------------------------------------


def test_same_scores_as_scikit_learns_cross_validate(digits):
    X, y = digits
    pipeline = make_pipeline(RandomFlip(), MixUp(), tiny_ann(random_state=3))
    result = cross_validate_oof(pipeline, X, y, cv=TWO, random_state=99)
    expected = cross_validate(pipeline, X, y, cv=TWO, error_score="raise")["test_score"]
    np.testing.assert_array_equal(accuracy(result), expected)


@pytest.fixture(scope="module")
def augmented():
    return make_pipeline(RandomFlip(), tiny_ann())


@pytest.fixture(scope="module")
def splits(digits):
    return make_splits(digits[1], n_folds=2)


@pytest.fixture(scope="module")
def augmented_run(digits, augmented, splits):
    """A run of one job with seed 0."""
    return cross_validate_oof(augmented, *digits, cv=splits, n_threads=1)


def test_a_fold_depends_on_its_seed_and_not_on_those_before_it(
    digits, augmented, splits, augmented_run
):
    expected = augmented_run.folds[1].proba
    alone, other = (
        cross_validate_oof(augmented, *digits, cv=[splits[1]], random_state=seed).folds[0].proba
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(alone, expected)
    assert not np.array_equal(other, expected)


def test_seeds_fill_what_is_none_and_keep_integers():
    pipeline = make_pipeline(RandomFlip(), RandomCrop(random_state=5), LogisticRegression())
    first, second = (seeded_clone(pipeline, 0, index).get_params() for index in (0, 1))
    assert first["randomcrop__random_state"] == second["randomcrop__random_state"] == 5
    assert isinstance(first["randomflip__random_state"], int)
    assert first["randomflip__random_state"] != first["logisticregression__random_state"]
    assert first["logisticregression__random_state"] != second["logisticregression__random_state"]
    assert pipeline.get_params()["randomflip__random_state"] is None

    inherited = seeded_clone(make_pipeline(RandomFlip(), tiny_ann()), 0, 0).get_params()
    assert inherited["randomflip__random_state"] is None
    assert isinstance(inherited["annclassifier__random_state"], int)


def test_two_jobs_equal_one(digits, augmented, splits, augmented_run):
    heard = []
    two = cross_validate_oof(
        augmented, *digits, cv=splits, n_threads=1, n_jobs=2, listener=heard.append
    )
    assert_same_predictions(augmented_run, two)
    assert sum(event.epoch is not None for event in heard) == 2 * 3
    assert sum(event.result is not None for event in heard) == 2


@pytest.mark.parametrize("engine", ["processes", "threads"])
def test_engines_know_the_networks_that_were_registered(digits, splits, engine):
    def tiny(input_shape, n_classes):
        flat = [keras.Input(input_shape), keras.layers.Flatten()]
        return keras.Sequential([*flat, keras.layers.Dense(n_classes, activation="softmax")])

    register("tiny", learning_rate=0.01)(tiny)
    try:
        pipeline = make_model("tiny").set_params(classifier__epochs=1)
        alone = cross_validate_oof(pipeline, *digits, cv=splits, n_threads=1)
        beside = cross_validate_oof(
            pipeline, *digits, cv=splits, engine=engine, n_jobs=2, n_threads=1
        )
    finally:
        NETWORKS.remove("tiny")
    assert [fold.error for fold in beside.folds] == [None, None]
    assert_same_predictions(alone, beside)


# --- results ----------------------------------------------------------------------------------


def test_against_a_hand_written_loop():
    X, y = np.random.default_rng(0).normal(size=(50, 3)), np.array(list("ab") * 25)
    result = cross_validate_oof(LogisticRegression(), X, y, cv=FIVE)
    expected = np.empty((50, 2))
    for train, test in FIVE.split(X, y):
        expected[test] = LogisticRegression().fit(X[train], y[train]).predict_proba(X[test])
    np.testing.assert_allclose(result.oof_proba, expected)
    assert result.class_names == ("a", "b")
    assert result.target.tolist() == [0, 1] * 25


def test_repeats_predict_every_sample_once_each():
    X, y = np.zeros((30, 1)), np.arange(30) % 2
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    result = cross_validate_oof(DummyClassifier(), X, y, cv=cv)
    assert (result.n_folds, result.n_repeats) == (3, 2)
    for repeat in range(2):
        tested = np.concatenate([f.test_index for f in result.folds if f.repeat == repeat])
        np.testing.assert_array_equal(np.sort(tested), np.arange(30))


def test_holdout_is_predicted_by_every_fold_and_trains_none():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    result = cross_validate_oof(LogisticRegression(), X, y, cv=FIVE, holdout=(X[:7], y[:7]))
    plain = cross_validate_oof(LogisticRegression(), X, y, cv=FIVE)
    assert_same_predictions(result, plain)
    assert [fold.holdout_proba.shape for fold in result.folds] == [(7, 2)] * 5


class NotFinite(DummyClassifier):
    def predict_proba(self, X):
        return super().predict_proba(X) * np.nan


def test_probabilities_that_are_not_finite_fail_the_fits():
    X, y = np.zeros((10, 1)), np.arange(10) % 2
    with pytest.raises(InputError, match=r"All the 2 fits failed: .*not all finite"):
        cross_validate_oof(NotFinite(), X, y, cv=2)


class Logits(DummyClassifier):
    def predict_proba(self, X):
        return super().predict_proba(X) * 4 - 1


def test_what_are_no_probabilities_fails_the_fits():
    with pytest.raises(InputError, match=r"All the 2 fits failed: .*must end in a softmax"):
        cross_validate_oof(Logits(), np.zeros((10, 1)), np.arange(10) % 2, cv=2)


def test_a_store_is_told_what_is_evaluated_and_how_that_ended():
    X, y = np.zeros((10, 1)), np.array(list("ab") * 5)
    store, estimator = Store(), DummyClassifier()
    result = cross_validate_oof(
        estimator, X, y, cv=2, random_state=3, holdout=(X[:4], y[:4]), n_threads=1, store=store
    )
    begun = store.begun
    assert (begun.estimator, begun.X, begun.random_state) == (estimator, X, 3)
    assert (begun.engine, begun.n_jobs, begun.n_threads) == ("serial", 1, 1)
    assert (begun.class_names, begun.save_models) == (("a", "b"), False)
    assert split_fingerprint(begun.splits) == split_fingerprint(
        make_splits(y, n_folds=2, random_state=3)
    )
    np.testing.assert_array_equal(begun.y, y)
    np.testing.assert_array_equal(begun.holdout[1], y[:4])
    assert store.ended is result
    assert list(store.folds.values()) == list(result.folds)


def test_stored_folds_of_other_splits_are_refused(tmp_path):
    X, y = np.zeros((10, 1)), np.arange(10) % 2
    for store, message in [
        (Store(), "fold 0 of other splits"),
        (tmp_path / "run", "split.fingerprint was"),
    ]:
        cross_validate_oof(DummyClassifier(), X, y, cv=2, store=store)
        with pytest.raises(InputError, match=message):
            cross_validate_oof(DummyClassifier(), X, y, cv=2, random_state=1, store=store)


def test_diverging_training_fails_with_its_remedy(digits):
    estimator = tiny_ann(
        optimizer="sgd", learning_rate=1e30, early_stopping=False, schedule="constant"
    )
    with pytest.raises(InputError, match=r"All the 2 fits failed: .*lower learning_rate"):
        cross_validate_oof(estimator, *digits, cv=2)


def test_unusable_parameters_are_raised_not_recorded(digits):
    with pytest.raises(ValueError, match="epochs"):
        cross_validate_oof(tiny_ann(epochs=0), *digits, cv=2)
    with pytest.raises(InputError, match="halves the image"):
        cross_validate_oof(CNNClassifier(widths=(2,) * 4), *digits, cv=2)


def test_what_a_listener_raises_ends_the_run(digits):
    class PrunedError(Exception):
        pass

    def prune(event):
        if event.epoch is not None and event.epoch.epoch == 2:
            raise PrunedError

    with pytest.raises(PrunedError):
        cross_validate_oof(tiny_ann(), *digits, cv=2, listener=prune)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"estimator": LinearSVC()}, "CalibratedClassifierCV"),
        ({"class_names": ["one"]}, "1 class names for 2 classes"),
        ({"holdout": (np.zeros((1, 1)), [7])}, "classes that the training data does not have"),
        ({"y": [0, 1]}, "10 samples, but y has 2"),
        ({"cv": 6}, "fewer than 6 folds"),
        ({"cv": []}, "cv is an empty list"),
        ({"cv": make_splits([0, 1] * 6, n_folds=2)}, "folds of other data: sample 11 of 10"),
    ],
)
def test_refusals(kwargs, message):
    arguments = {"estimator": DummyClassifier(), "X": np.zeros((10, 1)), "y": np.arange(10) % 2}
    with pytest.raises(InputError, match=message):
        cross_validate_oof(**{**arguments, **kwargs})


def test_models_are_kept_and_predict_what_was_recorded(digits, augmented, splits, tmp_path):
    X, y = digits
    result = cross_validate_oof(augmented, X, y, cv=splits, store=tmp_path, save_models=True)
    for fold in result.folds:
        loaded = ANNClassifier.load(tmp_path / "folds" / f"{fold.index:02d}")
        np.testing.assert_array_equal(loaded.predict_proba(X[fold.test_index]), fold.proba)


def test_a_pipeline_that_also_acts_at_predict_is_not_saved_in_part():
    pipeline = make_pipeline(FunctionTransformer(lambda images: images // 2), tiny_ann())
    with pytest.raises(InputError, match="also acts at predict"):
        cross_validate_oof(pipeline, np.zeros((4, 1)), [0, 1, 0, 1], cv=2, save_models=True)


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_resumed_run_equals_an_unbroken_one(digits, tmp_path, as_folder):
    X, y = digits[0].reshape(400, -1), digits[1]
    forest = ExtraTreesClassifier(3)  # seeded by the run

    def stop_after_first(event):
        if event.result is not None:
            raise KeyboardInterrupt

    def evaluate(**options):
        store = tmp_path / "run"
        if not as_folder:
            return cross_validate_oof(forest, X, y, cv=3, store=store, **options)
        with RunFolder.open(store, resume=True) as run:
            return cross_validate_oof(forest, X, y, cv=3, store=run, **options)

    unbroken = cross_validate_oof(forest, X, y, cv=3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(listener=stop_after_first)
    assert [fold.name for fold in finished(tmp_path / "run")] == ["00"]
    heard = []
    assert_same_predictions(unbroken, evaluate(listener=heard.append))
    assert {event.index for event in heard} == {1, 2}


def test_a_seed_holds_beside_other_threads(digits):
    X, y = digits

    def fit_and_predict(seed):
        network = {"widths": (4,), "dense_units": (8,), "dropout": 0.3}
        classifier = CNNClassifier(**network, epochs=2, random_state=seed)
        pipeline = make_pipeline(RandomFlip(), RandomCrop(1), classifier)
        return pipeline.fit(X, y).predict_proba(X[:50])

    alone = [fit_and_predict(seed) for seed in range(2)]
    with ThreadPoolExecutor(2) as threads:
        beside = list(threads.map(fit_and_predict, range(2)))
    np.testing.assert_array_equal(alone, beside)

    folds = StratifiedKFold(2)
    network = tiny_ann(epochs=1, random_state=0)
    serial = cross_val_predict(network, X, y, cv=folds, method="predict_proba")
    with parallel_config("threading", n_jobs=2):
        threaded = cross_val_predict(network, X, y, cv=folds, method="predict_proba", n_jobs=2)
    np.testing.assert_array_equal(serial, threaded)


def test_seeding_a_network_leaves_python_s_generator_alone(digits):
    random.seed(0)
    expected = random.random()
    random.seed(0)
    tiny_ann(epochs=1, random_state=3).fit(*digits)
    assert random.random() == expected
