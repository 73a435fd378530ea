"""The interval of a gain on held-out images holds images and seeds."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from cifar_sk.tuning.held_out import gain_interval, paired_difference


def test_without_spread_between_seeds_images_alone_vary():
    fits = np.random.default_rng(0).random((2, 1, 300)) < np.array([0.6, 0.5])[:, None, None]
    tuned, default = (np.repeat(one, 3, axis=0) for one in fits)
    expected = paired_difference(*fits[:, 0].astype(float))
    assert gain_interval(tuned, default) == pytest.approx(expected)


def test_seeds_widen_the_interval_as_welchs_test_has_it():
    generator = np.random.default_rng(1)
    skills = np.array([[0.7, 0.55, 0.6, 0.68], [0.5, 0.52, 0.49, 0.55]])
    tuned, default = generator.random((2, 4, 400)) < skills[:, :, None]
    gain = gain_interval(tuned, default)
    images = paired_difference(tuned.mean(axis=0), default.mean(axis=0))
    scores = tuned.mean(axis=1), default.mean(axis=1)
    welch = ttest_ind(*scores, equal_var=False).confidence_interval(0.95)
    half = (welch.high - welch.low) / 2
    assert gain.high - gain.estimate == pytest.approx(np.hypot(images.high - gain.estimate, half))
    assert gain.low < min(images.low, welch.low)
