"""Augmentation: identity outside training, and each operation against numpy, scipy or hand values.

The maps of geometric operations are read from ramps: an image whose pixels hold their own x and y
shows, after an operation, where each pixel came from (bilinear interpolation is exact on ramps).
"""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cifar_sk.augmentation import (
    Augmentation,
    AugmentedImages,
    CutMix,
    MixUp,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    augmentation_steps,
)
from cifar_sk.augmentation.policies import STEPS
from cifar_sk.errors import InputError

SIZE = 9
EVERY_STEP = "flip,translate:0.1/0.2,rotate:15,zoom:0.2,shear:0.2,contrast,erase:3/mean,crop:2"


@pytest.fixture(name="X")
def random_images():
    return np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def y():
    return np.tile([0, 1], 6)


def draw(operations, images, seed=0, value_range=None):
    """Return one draw of the layer as arrays."""
    from cifar_sk.augmentation.layers import build_augmentation

    layer = build_augmentation(operations, seed=seed, value_range=value_range)
    drawn, mixes = layer(np.asarray(images, dtype=np.float32))
    return np.asarray(drawn), [tuple(map(np.asarray, mix)) for mix in mixes]


def ramps(n, size=SIZE):
    """Images whose channels are x, y and noise."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    noise = np.random.default_rng(1).uniform(size=(size, size))
    return np.tile(np.stack([x, y, noise], axis=-1).astype(np.float32), (n, 1, 1, 1))


def affine_maps(drawn):
    """Fit, for each image of drawn ramps, the map (2, 3) of a pixel to its source.

    Coordinates are (x, y, 1) from the centre; pixels that show an edge are left out.
    """
    size = drawn.shape[1]
    centre = (size - 1) / 2
    grid = ramps(1, size)[0, ..., :2].reshape(-1, 2) - centre
    points = np.column_stack([grid, np.ones(len(grid))])
    maps = []
    for image in drawn:
        source = image[..., :2].reshape(-1, 2) - centre
        inside = np.all(np.abs(source) < centre - 1e-3, axis=1)
        maps.append(np.linalg.lstsq(points[inside], source[inside])[0].T)
    return np.array(maps)


class RecordingClassifier(ClassifierMixin, BaseEstimator):
    """Keep what fit and predict see."""

    def fit(self, X, y):
        self.classes_, self.fitted_X_ = np.unique(y), X
        return self

    def predict(self, X):
        self.predicted_X_ = X
        return np.repeat(self.classes_[:1], len(X))


class Invert(Augmentation):
    """A user's own step."""

    def augment(self, images, generator):
        return 1 - images


# Steps of a pipeline


def test_a_step_of_ones_own_is_seen_in_training_and_not_in_prediction(digits):
    from cifar_sk import CNNClassifier

    X, y = digits[0][:64], digits[1][:64]
    classifier = CNNClassifier(
        widths=(4,),
        dense_units=(),
        epochs=2,
        random_state=0,
        early_stopping=False,
        schedule="constant",
    )
    of_inverted = clone(classifier).fit(255 - X, y).predict_proba(X)
    drawn = make_pipeline(Invert(), RandomFlip("vertical"), Invert()).fit_transform(X)
    assert_array_equal(np.sort(np.asarray(drawn), axis=1), np.sort(X, axis=1))
    predicted = make_pipeline(Invert(), clone(classifier)).fit(X, y).predict_proba(X)
    assert_allclose(predicted, of_inverted, atol=1e-4)
    assert not np.allclose(predicted, classifier.fit(X, y).predict_proba(X), atol=1e-2)


def test_a_step_without_an_operation_says_so(X):
    with pytest.raises(NotImplementedError, match=r"Augmentation must define augment\(images"):
        np.asarray(Augmentation().fit_transform(X))


def test_values_that_a_step_takes_out_of_range_are_clipped(X):
    class Brighten(Augmentation):
        def augment(self, images, generator):
            return images + 0.4

    drawn = np.asarray(Brighten().fit_transform(X))
    assert_array_equal(drawn, np.minimum(X + 102.0, 255))
    assert_allclose(
        draw([Brighten()], X)[0], X + 0.4, rtol=1e-5
    )  # floats without a range are left


def test_training_gets_operations_and_prediction_the_input_itself(X, y):
    before = X.copy()
    pipeline = make_pipeline(*augmentation_steps(EVERY_STEP), RecordingClassifier())
    pipeline.fit(X, y).predict(X)
    classifier = pipeline[-1]
    assert classifier.predicted_X_ is X
    assert classifier.fitted_X_.images is X
    assert [type(op) for op in classifier.fitted_X_.operations] == [
        RandomFlip, RandomTranslation, RandomRotation, RandomZoom,
        RandomShear, RandomContrast, RandomErasing, RandomCrop,
    ]  # fmt: skip
    assert_array_equal(X, before)


def test_unfitted_transform_is_the_identity(X):
    assert RandomCrop().transform(X) is X
    assert RandomCrop().__sklearn_tags__().requires_fit is False


def test_carried_operations_do_not_change_with_the_step(X):
    step = RandomZoom(0.1)
    augmented = step.fit_transform(X)
    step.set_params(factor=0.5)
    assert augmented.operations[0].factor == 0.1


def test_parameters_are_reached_by_step_name_and_survive_cloning():
    pipeline = make_pipeline(RandomTranslation(), RecordingClassifier())
    pipeline.set_params(randomtranslation__height_factor=0.3)
    assert clone(pipeline)[0].get_params() == {
        "height_factor": 0.3,
        "width_factor": 0.1,
        "fill_mode": "nearest",
        "interpolation": "bilinear",
        "random_state": None,
    }


def test_any_classifier_trains_on_one_draw(X, y):
    flatten = FunctionTransformer(lambda X: np.asarray(X).reshape(len(X), -1) / 255)

    def fit(seed):
        pipeline = make_pipeline(RandomCrop(3, random_state=seed), flatten, LogisticRegression())
        return pipeline.fit(X, y)

    plain = make_pipeline(flatten, LogisticRegression()).fit(X, y)
    assert_array_equal(fit(0)[-1].coef_, fit(0)[-1].coef_)
    assert not np.array_equal(fit(0)[-1].coef_, fit(1)[-1].coef_)
    assert not np.array_equal(fit(0)[-1].coef_, plain[-1].coef_)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (RandomFlip("sideways"), "mode of RandomFlip must be one of 'horizontal', .*'sideways'"),
        (RandomTranslation(1.5), "height_factor .* number from 0 to 1; got 1.5"),
        (RandomTranslation(fill_mode="edge"), "fill_mode .* 'nearest', .* got 'edge'"),
        (RandomRotation("15"), "degrees .* from 0 to 180 degrees; got '15'"),
        (RandomZoom(float("nan")), "factor of RandomZoom .* got nan"),
        (RandomErasing(1.0), "size .* fraction between 0 and 1 or a whole number .* got 1.0"),
        (RandomErasing(10), "size .* fit inside images of 9×9 pixels; got 10"),
        (RandomErasing(fill="noise"), "fill of RandomErasing must be one of 0, 'mean'"),
        (RandomCrop(9), "padding .* smaller than images of 9×9 pixels; got 9"),
        (RandomCrop(True), "padding .* whole number of pixels from 0 on; got True"),
        (MixUp(0), "alpha of MixUp must be a number from 0.01 to 100; got 0"),
        (RandomFlip(random_state=-1), "random_state .* None or a whole number from 0 on; got -1"),
    ],
)
def test_unusable_parameters_are_refused_at_fit(step, message, X):
    with pytest.raises(InputError, match=message):
        step.fit(X)


def test_unusable_images_are_refused():
    with pytest.raises(InputError, match=r"shape \(4, 12\), so reshape"):
        RandomFlip().fit_transform(np.zeros((4, 12)))
    with pytest.raises(InputError, match="got int64, so convert"):
        RandomFlip().fit_transform(np.zeros((4, 2, 2), dtype=np.int64))


# AugmentedImages


def test_augmented_images_index_like_their_images(X):
    augmented = RandomFlip().fit_transform(X)
    for rows in (slice(2, 8, 3), np.array([5, 1, 1]), np.arange(12) > 6, [3]):
        subset = augmented[rows]
        assert_array_equal(subset.images, X[rows])
        assert subset.operations == augmented.operations
        assert subset.shape == X[rows].shape
        assert len(subset) == len(X[rows])
    assert_array_equal(augmented[4], X[4])
    assert (augmented.dtype, augmented.ndim) == (np.uint8, 4)
    with pytest.raises(InputError, match="first axis only"):
        augmented[:, 0]


def test_scikit_learn_splits_augmented_images(X, y):
    augmented = RandomFlip().fit_transform(X)
    first, second, y_first, _ = train_test_split(augmented, y, stratify=y, random_state=0)
    expected, _ = train_test_split(X, stratify=y, random_state=0)
    assert isinstance(second, AugmentedImages)
    assert_array_equal(first.images, expected)
    assert len(y_first) == 9


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_as_array_is_one_draw_in_the_images_dtype_and_range(dtype, channels):
    X = np.random.default_rng(0).integers(0, 256, (5, 8, 8, *channels)).astype(dtype)
    augmented = AugmentedImages(X, tuple(augmentation_steps("flip,rotate:40,contrast:1")))
    one, other = np.asarray(augmented), np.asarray(augmented)
    assert (one.shape, one.dtype) == (X.shape, dtype)
    assert not np.array_equal(one, other)
    assert 10 < one.std() < 200  # the range is still 0–255, not 0–1
    assert np.asarray(augmented, dtype=np.float16).dtype == np.float16


def test_operations_that_change_nothing_return_every_uint8_value():
    X = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    steps = [RandomRotation(0), RandomContrast(0), RandomCrop(0)]
    assert_array_equal(np.asarray(AugmentedImages(X, tuple(steps))), X)


def test_as_array_with_random_states_is_reproducible_across_batches(X, monkeypatch):
    augmented = make_pipeline(RandomFlip(random_state=1), RandomCrop(2, random_state=2))
    first = np.asarray(augmented.fit_transform(X))
    assert_array_equal(first, np.asarray(augmented.fit_transform(X)))
    monkeypatch.setattr("cifar_sk.augmentation.images._BATCH", 5)
    assert np.asarray(augmented.fit_transform(X)).shape == X.shape


def test_as_array_without_a_copy_is_refused(X):
    with pytest.raises(ValueError, match="copy"):
        np.array(RandomFlip().fit_transform(X), copy=False)


def test_label_mixing_is_refused_outside_our_classifiers(X):
    with pytest.raises(InputError, match=r"MixUp mixes labels .* remove that step"):
        np.asarray(make_pipeline(RandomFlip(), MixUp()).fit_transform(X))


# The layer


def test_draws_are_fresh_and_follow_from_the_seed_alone(X):
    import keras

    from cifar_sk.augmentation.layers import build_augmentation

    operations = augmentation_steps(EVERY_STEP + ",mixup,cutmix")
    images = X.astype(np.float32) / 255

    def two_calls(seed):
        layer = build_augmentation(operations, seed=seed)
        return [np.asarray(layer(images)[0]) for _ in range(2)]

    keras.utils.set_random_seed(1)
    first = two_calls(5)
    keras.utils.set_random_seed(2)
    again = two_calls(5)
    assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], two_calls(6)[0])


def test_own_random_state_overrules_the_seed_and_positions_differ():
    images = ramps(40)
    fixed = [draw([RandomFlip(random_state=3)], images, seed)[0] for seed in (0, 1)]
    assert_array_equal(*fixed)
    # Two flips with one seed cancel; with seeds of their own positions they do not.
    both = [RandomFlip(random_state=3), RandomFlip(random_state=3)]
    assert_array_equal(draw(both, images)[0], images)
    assert not np.array_equal(draw([RandomFlip(), RandomFlip()], images)[0], images)


def test_graph_takes_any_batch_size_and_equals_eager(X):
    import tensorflow as tf

    from cifar_sk.augmentation.layers import build_augmentation

    operations = augmentation_steps(EVERY_STEP + ",crop:2/constant,mixup,cutmix")
    images = X.astype(np.float32) / 255
    layer = build_augmentation(operations, seed=0)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32)])
    eager = build_augmentation(operations, seed=0)
    for batch in (images, images[:5], images[:1]):
        assert_allclose(graph(batch)[0], eager(batch)[0], atol=1e-5)


def test_no_operation_is_the_identity(X):
    drawn, mixes = draw([], X)
    assert_array_equal(drawn, X)
    assert mixes == []


# Operations that move whole pixels


@pytest.mark.parametrize(
    ("mode", "axes"),
    [
        ("horizontal", [(), (1,)]),
        ("vertical", [(), (0,)]),
        ("horizontal_and_vertical", [(), (0,), (1,), (0, 1)]),
    ],
)
def test_flips_are_exact_and_as_frequent_as_a_coin(mode, axes):
    images = ramps(2000, size=3)
    drawn, _ = draw([RandomFlip(mode)], images)
    counts = [np.sum(np.all(drawn == np.flip(images[0], axis), axis=(1, 2, 3))) for axis in axes]
    assert sum(counts) == 2000
    expected = 2000 / len(axes)
    assert_allclose(counts, expected, atol=4 * np.sqrt(expected))


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge", "wrap", "constant"])
def test_crops_are_crops_of_numpys_padding(mode):
    images = ramps(400, size=5) + 1  # no zero but that of the padding
    drawn, _ = draw([RandomCrop(2, padding_mode=mode)], images)
    padded = np.pad(images[0], [(2, 2), (2, 2), (0, 0)], mode=mode)
    crops = [padded[i : i + 5, j : j + 5] for i in range(5) for j in range(5)]
    counts = [np.sum(np.all(drawn == crop, axis=(1, 2, 3))) for crop in crops]
    assert sum(counts) == 400
    assert min(counts) > 0


def test_fused_flips_and_crops_equal_one_after_the_other(X):
    operations = [
        RandomCrop(2, padding_mode="constant", random_state=1),
        RandomFlip(random_state=2),
        RandomCrop(1, random_state=3),
    ]
    apart = X
    for operation in operations:
        apart, _ = draw([operation], apart)
    # The seed generators serve rows before columns, fused or not.
    assert_array_equal(draw(operations, X)[0], apart)


# Operations that resample


@pytest.mark.parametrize(
    "step",
    [
        RandomTranslation(0.3, 0.3),
        RandomRotation(40),
        RandomZoom(0.5),
        RandomShear(0.5),
        *[augmentation_steps(policy) for policy in ("r2", "r4")],
    ],
    ids=str,
)
def test_resampling_is_scipys_linear_interpolation_with_nearest_edges(step):
    drawn, _ = draw(step if isinstance(step, list) else [step], ramps(30))
    noise = ramps(1)[0, ..., 2]
    for x, y, resampled in np.moveaxis(drawn, -1, 1):
        expected = map_coordinates(noise, [y, x], order=1, mode="nearest")
        assert_allclose(resampled, expected, atol=2e-5)


def test_translation_is_uniform_both_ways():
    maps = affine_maps(draw([RandomTranslation(0.1, 0.2)], ramps(500, size=20))[0])
    assert_allclose(maps[:, :, :2], np.tile(np.eye(2), (500, 1, 1)), atol=1e-4)
    x, y = maps[:, 0, 2], maps[:, 1, 2]
    assert_allclose([x.min(), x.max(), y.min(), y.max()], [-4, 4, -2, 2], atol=0.1)
    assert_allclose([x.std(), y.std()], [8 / np.sqrt(12), 4 / np.sqrt(12)], rtol=0.1)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.2


def test_rotation_is_about_the_centre_by_up_to_the_degrees():
    maps = affine_maps(draw([RandomRotation(30)], ramps(500))[0])
    angle = np.arctan2(maps[:, 1, 0], maps[:, 0, 0])
    expected = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    assert_allclose(maps[:, :, :2].reshape(-1, 4), expected, atol=1e-4)
    assert_allclose(maps[:, :, 2], 0, atol=1e-4)
    assert_allclose(np.rad2deg([angle.min(), angle.max()]), [-30, 30], atol=1)


def test_zoom_draws_each_axis_from_one_minus_to_one_plus_factor():
    maps = affine_maps(draw([RandomZoom(0.4)], ramps(500))[0])
    assert_allclose(maps[:, [0, 0, 1, 1], [1, 2, 0, 2]], 0, atol=1e-4)
    x, y = maps[:, 0, 0], maps[:, 1, 1]
    assert_allclose([x.min(), x.max(), y.min(), y.max()], [0.6, 1.4, 0.6, 1.4], atol=0.02)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.2


def test_shear_moves_rows_sideways():
    maps = affine_maps(draw([RandomShear(0.3)], ramps(500))[0])
    shear = maps[:, 0, 1]
    assert_allclose(maps[:, [0, 0, 1, 1, 1], [0, 2, 0, 1, 2]], [[1, 0, 0, 1, 0]] * 500, atol=1e-4)
    assert_allclose([shear.min(), shear.max()], [-0.3, 0.3], atol=0.02)


def test_fused_affine_operations_compose_in_the_order_of_the_steps():
    operations = [
        RandomRotation(20, random_state=1),
        RandomFlip(random_state=2),
        RandomTranslation(0.1, 0.1, random_state=3),
        RandomShear(0.2, random_state=4),
    ]
    images = ramps(20, size=20)
    fused = affine_maps(draw(operations, images)[0])
    # A flip alone draws a coin in another way, so it is read from its fusion with an identity.
    apart = [[operation, RandomZoom(0)] for operation in operations]
    product = np.tile(np.eye(3), (20, 1, 1))
    for pair in apart:
        own = affine_maps(draw(pair, images)[0])
        product = product @ np.concatenate([own, np.tile([[[0, 0, 1]]], (20, 1, 1))], axis=1)
    assert_allclose(fused, product[:, :2], atol=1e-3)


def test_different_fill_modes_are_not_fused():
    operations = [RandomTranslation(1, 1, fill_mode="constant"), RandomRotation(0)]
    drawn, _ = draw(operations, np.ones((50, 8, 8, 1)))
    assert drawn.min() == 0  # the zeros that translation filled in


# Values


def test_contrast_scales_deviations_up_and_down_about_each_channels_mean(X):
    images = np.tile(X, (20, 1, 1, 1)) / 255
    drawn, _ = draw([RandomContrast(0.5)], images)
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    factors = (drawn - drawn.mean(axis=(1, 2), keepdims=True)).std((1, 2)) / centred.std((1, 2))
    assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-4)
    assert_allclose([factors.min(), factors.max()], [0.5, 1.5], atol=0.03)
    assert_allclose(drawn.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1e-5)
    assert drawn.min() < 0
    clipped, _ = draw([RandomContrast(0.5)], images, value_range=(0.0, 1.0))
    assert_allclose(clipped, np.clip(drawn, 0, 1), atol=1e-6)


@pytest.mark.parametrize(("size", "side"), [(0.5, 4), (0.25, 2), (3, 3), (8, 8)])
def test_erasing_blanks_one_whole_square(size, side):
    drawn, _ = draw([RandomErasing(size)], np.ones((300, 8, 8, 2)))
    assert_array_equal(drawn[..., 0], drawn[..., 1])
    rows, columns = (drawn[..., 0].min(axis=axis) == 0 for axis in (2, 1))
    assert_array_equal(rows.sum(axis=1), side)
    assert_array_equal(columns.sum(axis=1), side)
    assert_array_equal((drawn == 0).mean(axis=(1, 2, 3)), (side / 8) ** 2)
    assert len(np.unique(rows.argmax(axis=1))) == 8 - side + 1  # every place that fits


def test_erasing_with_the_mean_leaves_flat_images_alone():
    flat = np.tile(np.arange(3.0), (4, 8, 8, 1))
    assert_allclose(draw([RandomErasing(fill="mean")], flat)[0], flat, rtol=1e-6)


# Mixing


def test_mixup_blends_each_image_with_its_partner():
    images = np.random.default_rng(0).uniform(size=(500, 2, 2, 1)).astype(np.float32)
    drawn, [(permutation, share)] = draw([MixUp(0.5)], images)
    assert (permutation.dtype, share.dtype) == (np.int32, np.float32)
    assert_array_equal(np.sort(permutation), np.arange(500))
    own = share[:, None, None, None]
    assert_allclose(drawn, own * images + (1 - own) * images[permutation], atol=1e-6)
    assert_allclose([share.mean(), share.var()], [0.5, 0.125], atol=0.04)  # Beta(½, ½)


def test_cutmix_share_is_the_share_of_pixels_kept():
    images = np.broadcast_to(np.arange(300.0)[:, None, None, None], (300, 10, 10, 1))
    drawn, [(permutation, share)] = draw([CutMix()], images)
    kept = (drawn == images).mean(axis=(1, 2, 3))
    moved = permutation != np.arange(300)
    assert_allclose(share[moved], kept[moved], atol=1e-6)
    assert np.all((drawn == images) | (drawn == images[permutation]))
    assert share.min() < 0.4
    assert share.max() > 0.9


def test_targets_and_weights_are_mixed_in_order():
    from cifar_sk.augmentation.layers import mix_targets

    mixes = [
        (np.array([1, 2, 0]), np.array([0.5, 1.0, 0.25], dtype=np.float32)),
        (np.array([2, 1, 0]), np.array([1.0, 1.0, 0.5], dtype=np.float32)),
    ]
    # By hand: ½·4 + ½·8, 8, ¼·16 + ¾·4; then the last becomes ½·7 + ½·6.
    mixed = mix_targets(np.array([4, 8, 16], dtype=np.float32), mixes)
    assert_allclose(mixed, [6, 8, 6.5])
    mixed = np.asarray(mix_targets(np.eye(3, dtype=np.float32), mixes[:1]))
    assert_allclose(mixed, [[0.5, 0.5, 0], [0, 1, 0], [0.75, 0, 0.25]])
    assert_allclose(mix_targets(np.eye(3, dtype=np.float32), []), np.eye(3))


# Policies


def test_presets_are_the_recipes():
    assert augmentation_steps("none") == []
    assert [repr(step) for step in augmentation_steps("light")] == ["RandomFlip()", "RandomCrop()"]
    r2 = {type(step): step.get_params() for step in augmentation_steps("r2")}
    assert r2.keys() == {RandomFlip, RandomRotation, RandomTranslation}
    assert r2[RandomRotation]["degrees"] == 15
    assert r2[RandomTranslation]["height_factor"] == r2[RandomTranslation]["width_factor"] == 0.1
    r4 = {type(step): step for step in augmentation_steps("r4")}
    assert r4[RandomRotation].degrees == 20
    assert r4[RandomTranslation].width_factor == 0.2
    assert r4[RandomShear].factor == r4[RandomZoom].factor == 0.2
    assert all(r4[step].fill_mode == "nearest" for step in r4 if step is not RandomFlip)


def test_policy_values_become_parameters():
    steps = augmentation_steps(
        "flip:vertical, translate:0.1/0.2, erase:12/mean, light, cutmix:0.5"
    )
    assert [repr(step) for step in steps] == [
        "RandomFlip(mode='vertical')",
        "RandomTranslation(width_factor=0.2)",
        "RandomErasing(fill='mean', size=12)",
        "RandomFlip()",
        "RandomCrop()",
        "CutMix(alpha=0.5)",
    ]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("flop", "unknown augmentation 'flop'; did you mean 'flip'"),
        ("flip,", "unknown augmentation ''; known: contrast, crop"),
        ("r2:3", "unknown augmentation 'r2'"),
        ("rotate:1/2", r"'rotate:1/2' has 2 values; rotate takes at most 1 \(degrees\)"),
        ("rotate:abc", "degrees of RandomRotation must be .* got 'abc'"),
        ("crop:4.5", "padding of RandomCrop must be a whole number .* got 4.5"),
        ("zoom:", "factor of RandomZoom must be .* got ''"),
    ],
)
def test_policy_errors_say_what_is_wrong(policy, message):
    with pytest.raises(InputError, match=message):
        augmentation_steps(policy)


def test_a_step_from_outside_has_a_place_in_policies_by_its_import_path(tmp_path, monkeypatch):
    (tmp_path / "my_steps.py").write_text(
        "from cifar_sk.augmentation import Augmentation\n"
        "class Dim(Augmentation):\n"
        "    policy = ('dim', 'share')\n"
        "    def __init__(self, share=0.5):\n"
        "        self.share = share\n"
        "not_a_step = dict\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="unknown augmentation 'my_steps'"):
        augmentation_steps("my_steps:Dim")  # a text imports nothing by itself
    with pytest.raises(InputError, match="must be a class derived from"):
        STEPS.import_path("my_steps:not_a_step")
    name = STEPS.import_path("my_steps:Dim")
    try:
        steps = augmentation_steps(f"flip,{name},{name}:0.25")
    finally:
        STEPS.remove(name)
    assert [repr(step) for step in steps] == ["RandomFlip()", "Dim()", "Dim(share=0.25)"]


def test_import_loads_neither_keras_nor_tensorflow():
    code = (
        "import sys, cifar_sk.augmentation, cifar_sk.augmentation.resampling;"
        "sys.exit(bool({'keras', 'tensorflow', 'imblearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
