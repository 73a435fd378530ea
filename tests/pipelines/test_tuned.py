"""Parameters from a file say which images they were selected on, whatever those are called."""

import json
import re

import numpy as np
import pytest
from sklearn.utils import Bunch

from cifar_sk.errors import InputError
from cifar_sk.pipelines.tuned import TunedModel, read_tuned
from cifar_sk.runs.fingerprints import image_hashes
from cifar_sk.runs.image_sketch import ImageSketch

IMAGES = np.random.default_rng(0).integers(0, 256, (6000, 4, 4, 3), np.uint8)


def bunch(images, name="pets", test_images=None):
    return Bunch(images=images, name=name, test_images=test_images, fingerprint="f" * 64)


def tuned(images, tmp_path, **others):
    """Write and read a file of parameters that were selected on some images."""
    content = {"study": "mine", "params": {"a": 1}, "data": {"name": "pets"}, **others}
    content["images"] = ImageSketch.of(images).to_json()
    (tmp_path / "best.json").write_text(json.dumps(content))
    return read_tuned(tmp_path / "best.json")


@pytest.mark.parametrize(
    ("selected_on", "run", "said"),
    [
        (IMAGES[:900], IMAGES, "900 images, of which all are in this run"),
        (IMAGES, IMAGES[:900], r"6,000 images, of which about 1[3-7] % are in this run"),
        (IMAGES[:800], IMAGES[500:900], "800 images, of which about 38 % are in this run"),
        (IMAGES[:1000], IMAGES[999:], "of which less than 1 % are in this run"),
        (np.repeat(IMAGES[:4], 3, axis=0), IMAGES[:3], "4 images, of which about 75 % are"),
    ],
)
def test_the_share_of_images_is_said_whatever_their_name(selected_on, run, said, tmp_path):
    model = tuned(selected_on, tmp_path)
    for name in ("pets", "pets-of-which-I-took-some"):
        note = model.selection_note(bunch(run, name))
        assert re.match(f"The study mine selected these parameters on .*{said}", note)
        assert "so scores on them are selected, hence optimistic" in note


def test_other_images_of_the_same_name_are_no_reason_for_a_note(tmp_path):
    model = tuned(IMAGES[:3000], tmp_path)
    assert model.selection_note(bunch(IMAGES[3000:])) == ""
    note = model.selection_note(bunch(IMAGES[3000:], test_images=IMAGES[2000:3000]))
    assert "about" in note
    assert "% are in the official test split, so scores on them" in note
    assert "this run" not in note


def test_a_sketch_estimates_shares_within_its_standard_error():
    errors = []
    for draw in range(40):
        order = np.random.default_rng(draw).permutation(6000)
        some = IMAGES[order[: 1500 + 50 * draw]] ^ np.uint8(draw)  # other hashes each time
        n_shared = 20 * draw
        sketch = ImageSketch.of(some)
        assert len(sketch.hashes) == 1024
        share = sketch.share_in(image_hashes(some[:n_shared]))
        errors.append((share - n_shared / len(some)) / 0.016)
    assert abs(np.mean(errors)) < 0.5
    assert 0.2 < np.std(errors) < 1.3


def test_files_of_older_versions_are_judged_by_name_and_fingerprint(tmp_path):
    path = tmp_path / "best.json"
    old = {"study": "mine", "params": {}, "data": {"name": "pets", "fingerprint": "f" * 64}}
    path.write_text(json.dumps(old))
    for name in ("pets", "the same under another name"):
        assert "on images of pets, so scores on them" in read_tuned(path).selection_note(
            bunch(IMAGES, name)
        )
    old["data"]["fingerprint"] = "e" * 64
    path.write_text(json.dumps(old))
    assert "optimistic" in read_tuned(path).selection_note(bunch(IMAGES))
    assert read_tuned(path).selection_note(bunch(IMAGES, "cars")) is None
    assert TunedModel(params={"a": 1}).selection_note(bunch(IMAGES)) is None


@pytest.mark.parametrize(
    "said",
    [
        7,
        {},
        {"n_images": 1},
        {"n_images": "many", "smallest_hashes": ""},
        {"n_images": 1, "smallest_hashes": "AAAA"},
        {"n_images": 1, "smallest_hashes": "é"},
        {"n_images": 1, "smallest_hashes": [1]},
        {"n_images": 0, "smallest_hashes": ""},
        {"n_images": 9, "smallest_hashes": "AAAAAAAAAAA="},
        {"n_images": 1e400, "smallest_hashes": "AAAAAAAAAAA="},
    ],
)
def test_a_damaged_sketch_is_refused(said, tmp_path):
    path = tmp_path / "best.json"
    path.write_text(json.dumps({"params": {}, "images": said}))
    with pytest.raises(InputError, match=r"images in .*best.json must .*; leave it away\."):
        read_tuned(path)
