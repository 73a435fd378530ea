"""Multiply-adds against hand counts and a published one."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from made_runs import made_run, with_folds

from cifar_sk.comparison.costs import cost_table, multiply_adds
from cifar_sk.estimators import ANNClassifier
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.models import make_model, pipeline_description


def test_r0s_networks_by_hand():
    """Each convolution: places × filters × (3·3·channels); each dense layer: inputs × outputs."""
    cnn = NETWORKS["cnn-basic"].build((32, 32, 3), 10)
    assert multiply_adds(cnn) == 30**2 * 32 * 27 + 13**2 * 64 * 288 + 2304 * 64 + 64 * 10
    ann = NETWORKS["ann"].build((32, 32, 3), 10)
    assert multiply_adds(ann) == 3072 * 3000 + 3000 * 1000 + 1000 * 10


def test_airbench_costs_what_its_paper_says():
    """118 million (arXiv 2404.00498), for widths 64, 256, 256, the defaults."""
    network = NETWORKS["fast"].build((32, 32, 3), 10)
    assert network.count_params() == pytest.approx(1.97e6, rel=0.01)
    assert multiply_adds(network) == pytest.approx(118e6, rel=0.01)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(6, 3, strides=2, padding="same"), 4 * 5 * 6 * 9 * 4),
        (layers.Conv2D(6, 3, groups=2, padding="same"), 8 * 10 * 6 * 9 * 2),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 6 * 8 * 4 * 2 * 9),
        (layers.SeparableConv2D(6, 3), 6 * 8 * (4 * 9 + 4 * 6)),
        (layers.Dense(5), 8 * 10 * 4 * 5),
        (layers.MaxPooling2D(), 0),
        (layers.BatchNormalization(), 0),
        (layers.Conv2DTranspose(6, 3), None),
    ],
)
def test_layers_by_hand(layer, expected):
    assert multiply_adds(keras.Sequential([keras.Input((8, 10, 4)), layer])) == expected


def test_networks_within_networks_are_counted():
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 1)])
    inputs = keras.Input((8, 8, 3))
    outer = keras.Model(inputs, layers.Dense(4)(layers.Flatten()(inner(inputs))))
    assert multiply_adds(outer) == 64 * 2 * 3 + 128 * 4


def test_a_run_without_models_is_counted_as_its_manifest_describes_it():
    pipeline = make_model("ann").set_params(classifier__hidden_units=(7,))
    description = pipeline_description(pipeline)
    identity = {"pipeline": description, "data": {"name": "digits"}}
    run = made_run("ann", [0.5, 0.5], n_test=4, identity=identity)
    right = with_folds(run, n_parameters=3072 * 7 + 7 + 7 * 4 + 4)
    assert cost_table([right], ["ann"]).loc[0, "multiply_adds"] == 3072 * 7 + 7 * 4
    # Other images than those that its data set's name stands for: not that network.
    table = cost_table([with_folds(run, n_parameters=5)], ["ann"])
    assert table.loc[0, "n_parameters"] == 5
    assert np.isnan(table.loc[0, "multiply_adds"])
    unknown = with_folds(made_run("x", [0.5, 0.5], n_test=4), n_parameters=5)
    assert np.isnan(cost_table([unknown], ["x"]).loc[0, "multiply_adds"])


def test_a_saved_model_is_counted(tmp_path, digits):
    X, y = digits
    model = ANNClassifier(hidden_units=(5,), epochs=1, random_state=0).fit(X, y)
    model.save(tmp_path / "folds" / "00")
    run = with_folds(made_run("ann", [0.5, 0.5], n_test=4), n_parameters=model.n_parameters_)
    table = cost_table([replace(run, path=tmp_path)], ["ann"])
    assert table.loc[0, "multiply_adds"] == 64 * 5 + 5 * 10


def test_folds_that_differ_have_no_single_number():
    run = made_run("a", [0.5, 0.5], n_test=4)
    folds = tuple(replace(fold, n_parameters=k) for k, fold in enumerate(run.result.folds))
    run = replace(run, result=replace(run.result, folds=folds))
    assert np.isnan(cost_table([run], ["a"]).loc[0, "n_parameters"])
