"""The whole way on real CIFAR-10 images, small enough for every test run."""

import os

import numpy as np
import pandas as pd
import pytest

from cifar_sk import CNNClassifier, RandomFlip, cross_validate_oof, load_dataset
from cifar_sk.cv import main

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not os.environ.get("CIFAR_SK_DATA"), reason="CIFAR_SK_DATA is not set: no real CIFAR-10"
    ),
]


def test_a_small_cnn_learns_from_real_images():
    from sklearn.pipeline import make_pipeline

    data = load_dataset("cifar10", limit=1000)
    model = make_pipeline(RandomFlip(), CNNClassifier(widths=(16, 32), epochs=6))
    result = cross_validate_oof(model, data.images, data.target, cv=2)
    pooled = np.mean(result.oof_proba.argmax(axis=1) == result.target)
    assert pooled > 0.2  # chance is 0.1, seven standard errors below


def test_the_main_job_on_jpeg_images_with_the_test_split(tmp_path):
    arguments = (
        "--dataset cifar10-jpeg --limit 300 --model cnn-basic --epochs 1 --folds 2 --jobs 1 "
        f"--test-split --quiet --run {tmp_path}/run"
    )
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 0
    table = pd.read_csv(tmp_path / "run" / "fold_metrics.csv")
    folds = table[table["row"].str.startswith("fold")]
    assert folds["n_test"].tolist() == [150, 150]
    assert folds["test_split_accuracy"].between(0, 1).all()
    assert "cifar10-jpeg" in (tmp_path / "run" / "run.json").read_text()
