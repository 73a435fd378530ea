"""Keras' own callbacks on our classifiers, and factories that know their fold."""

import functools
import json

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from cifar_sk import ANNClassifier, InputError, RandomFlip, cross_validate_oof

CALLBACKS = keras.callbacks


@pytest.fixture(scope="module")
def few(digits):
    return digits[0][:100, ::2, ::2], digits[1][:100] % 2


def ann(*callbacks, **params):
    small = {"hidden_units": (4,), "epochs": 3, "random_state": 0, "validation_fraction": 0.2}
    return ANNClassifier(**{**small, **params}, callbacks=list(callbacks))


def test_a_checkpoint_is_the_network_that_predicts(few, tmp_path):
    best, last = tmp_path / "best.keras", tmp_path / "last.weights.h5"
    weights_only = {"save_weights_only": True}
    save_best = {"monitor": "val_loss", "save_best_only": True}
    classifier = ann(
        lambda: CALLBACKS.ModelCheckpoint(best, **save_best),
        lambda: CALLBACKS.ModelCheckpoint(last, **weights_only),
        epochs=2,
        early_stopping=False,
        schedule="reduce_on_plateau",
    )
    pipeline = make_pipeline(RandomFlip(), classifier).fit(*few)
    proba = pipeline.predict_proba(few[0])
    saved = keras.models.load_model(best)
    assert "augmentation" not in {layer.name for layer in saved.layers}
    assert np.argmin(pipeline[-1].history_["val_loss"]) == 1  # so the last epoch is the best one
    np.testing.assert_allclose(saved.predict(few[0], verbose=0), proba, atol=1e-6)
    assert saved.evaluate(*few, verbose=0) > 0  # it is compiled, with its optimiser
    blank = keras.models.clone_model(saved)
    blank.load_weights(last)
    np.testing.assert_allclose(blank.predict(few[0], verbose=0), proba, atol=1e-6)


def test_a_backup_goes_on_after_an_interruption(few, tmp_path):
    class Interrupt(CALLBACKS.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def backup():
        return CALLBACKS.BackupAndRestore(tmp_path / "backup")

    options = {"epochs": 4, "early_stopping": False, "schedule": "constant"}
    with pytest.raises(KeyboardInterrupt):
        ann(backup, Interrupt, **options).fit(*few)
    assert json.loads((tmp_path / "backup/training_metadata.json").read_text())["epoch"] == 2
    resumed = ann(backup, **options).fit(*few)
    assert len(resumed.history_["loss"]) == 2
    assert resumed._trainer.optimizer.iterations == 4 * 4  # of 100 samples in batches of 32
    assert not (tmp_path / "backup").exists()


def test_other_callbacks_of_keras(few, tmp_path):
    heard = []
    classifier = ann(
        functools.partial(CALLBACKS.CSVLogger, tmp_path / "log.csv"),
        lambda: CALLBACKS.EarlyStopping("val_loss", patience=1, restore_best_weights=True),
        lambda: CALLBACKS.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch)),
        CALLBACKS.TerminateOnNaN,
        early_stopping=False,
        schedule="reduce_on_plateau",
        epochs=2,
    ).fit(*few)
    log = pd.read_csv(tmp_path / "log.csv")
    assert log["epoch"].tolist() == heard == [0, 1]
    np.testing.assert_allclose(log["val_loss"], classifier.history_["val_loss"])
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        ann(CALLBACKS.TerminateOnNaN, optimizer="sgd", learning_rate=1e38).fit(*few)


def test_a_factory_may_ask_for_the_fold(few, tmp_path):
    asked = []

    def log(fold):
        asked.append(fold)
        return CALLBACKS.CSVLogger(tmp_path / f"{fold}.csv")

    network = ann(log, epochs=1, early_stopping=False, schedule="constant")
    cross_validate_oof(network, *few, cv=2)
    network.fit(*few)
    assert asked == [0, 1, None]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.csv", "1.csv", "None.csv"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (CALLBACKS.CSVLogger, r"callback 'CSVLogger' failed \(TypeError: .*filename"),
        (dict, r"callback 'dict' must make a keras.callbacks.Callback, got dict"),
    ],
)
def test_what_makes_no_callback_is_refused(make, message, few):
    with pytest.raises(InputError, match=message):
        ann(make).fit(*few)
