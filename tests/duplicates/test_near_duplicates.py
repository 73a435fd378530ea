import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifar_sk.duplicates import candidates, find_near_duplicates
from cifar_sk.errors import InputError


def scenes(n, seed=0, size=32):
    """Images with the spectrum of photographs, amplitude 1/f (Field 1987)."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size))
    frequency[0, 0] = 1
    noise = np.fft.fft2(rng.normal(size=(n, 3, size, size)))
    images = np.fft.ifft2(noise / frequency).real + 0.5 * rng.normal(size=(n, 3, 1, 1))
    images = images.transpose(0, 2, 3, 1)
    images -= images.mean((1, 2, 3), keepdims=True)
    images /= images.std((1, 2, 3), keepdims=True)
    return np.clip(128 + 50 * images, 0, 255).astype(np.uint8)


def each(change):
    return lambda images: np.stack([np.asarray(change(Image.fromarray(i))) for i in images])


def compressed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75)
    return Image.open(file)


BORDER = [(0, 0), (2, 2), (2, 2), (0, 0)]
CHANGES = {
    "cropped by 2 and resized": each(lambda i: i.crop((2, 2, 30, 30)).resize((32, 32), 2)),
    "cropped by 2 and padded": lambda x: np.pad(
        x[:, 2:-2, 2:-2], [(0, 0), (2, 2), (2, 2), (0, 0)]
    ),
    "moved by 2": lambda x: np.pad(x[:, 2:, 2:], [(0, 0), (0, 2), (0, 2), (0, 0)]),
    "mirrored": lambda x: x[:, :, ::-1],
    "JPEG 75": each(compressed),
    "brighter": lambda x: np.clip(x * 1.1, 0, 255).astype(np.uint8),
    "darker": lambda x: (x * 0.9).astype(np.uint8),
    "noisy": lambda x: np.clip(x + np.random.default_rng(1).normal(0, 8, x.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("n", [40, 400])  # all pairs, and the search for candidates
def test_planted_copies_are_found_and_nothing_else(change, n):
    images = scenes(n)
    images[-20:] = CHANGES[change](images[:20])
    pairs = find_near_duplicates(images).pairs
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    planted = {(k, n - 20 + k) for k in range(20)}
    assert len(found & planted) >= 19
    assert not found - planted
    assert pairs["flip"].all() == pairs["flip"].any() == (change == "mirrored")


@pytest.mark.parametrize("n", [50, 400])
def test_what_was_done_to_a_copy_is_told(n):
    images = scenes(n)
    images[-1] = np.roll(images[3], (2, -1), axis=(0, 1))
    images[-2] = CHANGES["cropped by 2 and resized"](images[4:5])[0]
    images[-3] = images[5]
    pairs = find_near_duplicates(images).pairs.set_index("first")
    assert pairs.loc[3, ["second", "shift_down", "shift_right"]].tolist() == [n - 1, 2, -1]
    assert pairs.loc[4, "zoom"] == pytest.approx(32 / 28)
    assert pairs.loc[5, ["second", "kind", "similarity"]].tolist() == [n - 3, "exact", 1.0]
    assert pairs.loc[[3, 4], "kind"].tolist() == ["near", "near"]


def test_zoom_has_the_direction_that_is_documented():
    images = scenes(40)
    images[0] = CHANGES["cropped by 2 and resized"](images[39:])[0]
    assert find_near_duplicates(images).pairs["zoom"].tolist() == [pytest.approx(28 / 32)]


def test_threads_and_progress_change_nothing():
    images = scenes(700)
    images[-50:] = CHANGES["JPEG 75"](images[:50])
    shares = []
    one = find_near_duplicates(images)
    two = find_near_duplicates(images, n_jobs=2, progress=shares.append)
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_interrupt_ends_the_search():
    def interrupt(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_near_duplicates(scenes(100), n_jobs=2, progress=interrupt)


@pytest.mark.parametrize("size", [8, 48])
def test_grey_images_of_other_sizes(size):
    images = scenes(80, size=size)[..., 0]
    images[-10:] = images[:10, :, ::-1]
    pairs = find_near_duplicates(images).pairs
    assert pairs["first"].sort_values().tolist() == list(range(10))
    assert find_near_duplicates(images[..., None] / 255).pairs["flip"].all()


def test_images_of_one_colour_are_copies_of_exact_ones_only():
    images = np.repeat(np.arange(100, dtype=np.uint8), 32 * 32 * 3).reshape(100, 32, 32, 3)
    images[7] = images[2]
    pairs = find_near_duplicates(images).pairs
    assert pairs[["first", "second", "kind"]].values.tolist() == [[2, 7, "exact"]]


def test_many_exact_copies_are_listed_once_each():
    found = find_near_duplicates(np.zeros((3000, 4, 4), np.uint8))
    assert len(found.pairs) == 2999
    assert (found.groups == 0).all()  # whatever the bound, exact copies stay together


@pytest.mark.parametrize("shape", [(1, 32, 32, 3), (2, 1, 1), (3, 2, 40, 1)])
def test_few_and_tiny_images(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = find_near_duplicates(images)
    assert found.pairs.empty
    assert found.groups.tolist() == list(range(shape[0]))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 12)), r"shape \(n, h, w\)"),
        (np.zeros((5, 4, 4, 2)), "channels"),
        (np.zeros((0, 4, 4)), "none of them 0"),
        (np.zeros((5, 4, 4), int), "got int64; convert"),
        (np.full((5, 4, 4), 200.0), "from 0 to 1, got 200 to 200"),
        (np.where(np.arange(5) == 3, np.nan, 0.5)[:, None, None] + np.zeros((4, 4)), "image 3"),
    ],
)
def test_other_images_are_refused_in_a_sentence(images, message):
    with pytest.raises(InputError, match=message):
        find_near_duplicates(images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0}, "threshold must be above 0"),
        ({"threshold": "high"}, "threshold must be above 0"),
        ({"n_jobs": 0}, "n_jobs must be an integer from 1"),
        ({"max_group_size": 1}, "max_group_size must be an integer from 2"),
    ],
)
def test_other_arguments_are_refused_in_a_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        find_near_duplicates(np.zeros((2, 4, 4), np.uint8), **arguments)


def test_images_that_are_all_alike_take_bounded_work(monkeypatch):
    monkeypatch.setattr(candidates, "_MOST", 3)
    monkeypatch.setattr(candidates, "_MOST_HITS", 1000)
    images = np.concatenate([scenes(100), np.repeat(scenes(1, seed=5), 200, axis=0)])
    noise = np.random.default_rng(2).integers(0, 3, images.shape)
    images = np.clip(images.astype(int) + noise, 0, 255).astype(np.uint8)
    found = find_near_duplicates(images, max_group_size=300)
    assert np.bincount(found.pairs["first"]).max() <= 6  # mirrored or not
    assert len(set(found.groups[100:])) == 1
    assert len(set(found.groups[:101])) == 101
