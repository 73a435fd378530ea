import dataclasses
import functools
import hashlib
import http.server
import io
import json
import os
import pickle
import tarfile
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.datasets
from PIL import Image

from cifar_sk.datasets import (
    data_fingerprint,
    fetch_cifar10,
    fetch_cifar100,
    load_dataset,
    load_digits32,
    load_image_folder,
    load_npz,
    load_parquet,
)
from cifar_sk.datasets.home import find_cifar
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100
from cifar_sk.errors import InputError

REAL_HOME = os.environ.get("CIFAR_SK_DATA")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path_factory):
    """No data home, an empty Keras cache, and a proxy where nothing listens."""
    keras_home = tmp_path_factory.mktemp("keras")
    monkeypatch.delenv("CIFAR_SK_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(keras_home))
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return keras_home


def batch(n=10, *, labels=None, labels_key=b"labels", rows=None):
    labels = [k % 10 for k in range(n)] if labels is None else labels
    rows = RNG.integers(0, 256, (n, 3072), dtype=np.uint8) if rows is None else rows
    return {b"data": rows, labels_key: labels, b"batch_label": b"made for a test"}


def write_batches(parent, layout=CIFAR10, *, n=10, **replaced):
    folder = parent / layout.folder
    folder.mkdir(parents=True)
    contents = {name: batch(n) for name in (*layout.train, layout.test)}
    if layout is CIFAR100:
        contents = {
            name: batch(100, labels=list(range(100)), labels_key=b"fine_labels")
            for name in ("train", "test")
        }
    contents[layout.meta] = {layout.names_key: [name.encode() for name in layout.class_names]}
    contents.update(replaced)
    for name, content in contents.items():
        raw = content if isinstance(content, bytes) else pickle.dumps(content, protocol=3)
        (folder / name).write_bytes(raw)
    return folder


def write_archive(folder, path):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


def encoded(encoding="PNG", size=(32, 32), color=(200, 30, 90)):
    buffer = io.BytesIO()
    Image.new("RGB", size[::-1], color).save(buffer, encoding)
    return buffer.getvalue()


def write_parquet(path, images, labels, names=CIFAR10.class_names, columns=("img", "label")):
    path.parent.mkdir(parents=True, exist_ok=True)
    structs = [{"bytes": image, "path": None} for image in images]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({columns[0]: pa.array(structs, kind), columns[1]: labels})
    if names is not None:
        feature = {"names": list(names), "_type": "ClassLabel"}
        info = {"info": {"features": {columns[1]: feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, path)
    return path


# --- digits, fingerprint, subsets


def test_digits_are_those_of_scikit_learn():
    ours, theirs = load_digits32(), sklearn.datasets.load_digits()
    assert ours.images.dtype == np.uint8
    assert ours.images.shape == (1797, 32, 32, 3)
    for channel in range(3):
        small = ours.images[:, 1::4, 2::4, channel] * (16 / 255)
        np.testing.assert_allclose(small, theirs.images, atol=0.04)
    np.testing.assert_array_equal(ours.target, theirs.target)
    assert ours.target.dtype == np.int64
    assert (ours.name, ours.fallback, ours.test_images) == ("digits", None, None)


def test_fingerprint_depends_on_shape_pixels_labels_and_names():
    images = RNG.integers(0, 256, (4, 6, 6, 3), dtype=np.uint8)
    target, names = np.array([0, 1, 0, 1]), ["cat", "dog"]
    header = json.dumps([[4, 6, 6, 3], ["cat", "dog"]]).encode()
    independent = hashlib.sha256(header + images.tobytes() + target.astype("<i8").tobytes())
    reference = data_fingerprint(images, target, names)
    assert reference == independent.hexdigest()
    assert reference == data_fingerprint(images[:, :, ::-1][:, :, ::-1], target, names)
    others = [
        data_fingerprint(images.reshape(4, 3, 12, 3), target, names),
        data_fingerprint(images ^ 1, target, names),
        data_fingerprint(images, 1 - target, names),
        data_fingerprint(images, target, ["cat", "cow"]),
    ]
    assert len({reference, *others}) == 5


def test_limit_is_a_stratified_subset_in_the_original_order():
    full, part = load_digits32(), load_dataset("digits", limit=500, random_state=3)
    share = np.bincount(full.target) * 500 / 1797
    assert np.abs(np.bincount(part.target) - share).max() < 1
    positions = {image.tobytes(): k for k, image in enumerate(full.images)}
    found = [positions[image.tobytes()] for image in part.images]
    assert found == sorted(set(found))
    np.testing.assert_array_equal(full.target[found], part.target)
    assert part.name == "digits"
    assert "subset of 500 of its 1,797" in part.source
    assert part.source in part.DESCR
    assert part.fingerprint == data_fingerprint(part.images, part.target, part.target_names)
    assert part.fingerprint == load_dataset("digits", limit=500, random_state=3).fingerprint
    assert part.fingerprint != load_dataset("digits", limit=500, random_state=4).fingerprint


def test_a_limit_above_the_number_of_images_changes_nothing():
    assert load_dataset("digits", limit=5000).fingerprint == load_digits32().fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit must be a positive integer"),
        ({"limit": 2.5}, "limit must be a positive integer"),
        ({"limit": 9}, "an image of each of the 10 classes"),
        ({"image_size": (8,)}, "image_size must be two positive integers"),
        ({"image_size": (0, 8)}, "image_size must be two positive integers"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        load_dataset("digits", **options)


def test_image_size_resizes():
    small = load_dataset("digits", limit=20, image_size=(8, 16))
    assert small.images.shape == (20, 8, 16, 3)
    assert "8×16" in small.source


# --- canonical batches


def test_batches_become_channel_last_images(tmp_path):
    rows = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
    first = batch(rows=rows, labels=[6, 9])
    write_batches(tmp_path, data_batch_1=first)
    data = fetch_cifar10(tmp_path, download=False)
    assert data.images.shape == (42, 32, 32, 3)
    for row, column, channel in [(0, 0, 0), (1, 2, 1), (31, 30, 2)]:
        assert data.images[1, row, column, channel] == rows[1, channel * 1024 + row * 32 + column]
    assert data.target[:4].tolist() == [6, 9, 0, 1]
    assert data.target_names[6] == "frog"
    assert data.name == "cifar10-subset"
    assert "42 of the 50,000" in data.DESCR
    assert data.test_images is None
    assert data.test_target is None


def test_the_test_split_is_read_if_asked_for(tmp_path):
    write_batches(tmp_path)
    data = fetch_cifar10(tmp_path, test_split=True, download=False)
    assert data.test_images.shape == (10, 32, 32, 3)
    assert data.test_target.tolist() == list(range(10))


def test_cifar100_has_fine_labels(tmp_path):
    write_batches(tmp_path, CIFAR100)
    data = fetch_cifar100(tmp_path, test_split=True, download=False)
    assert (data.name, len(data.target_names)) == ("cifar100-subset", 100)
    assert [data.target_names[k] for k in (0, 1, 98, 99)] == [
        "apple", "aquarium_fish", "woman", "worm",
    ]  # fmt: skip
    assert data.target_names == sorted(set(data.target_names))
    assert data.test_target.tolist() == list(range(100))


@pytest.mark.parametrize("where", [".", "sub", "sub/cifar-10-batches-py"])
def test_the_home_may_be_the_folder_or_one_or_two_above(tmp_path, where):
    write_batches(tmp_path / "sub")
    assert len(fetch_cifar10(tmp_path / where, download=False).images) == 50


def test_the_environment_names_the_home(tmp_path, monkeypatch):
    write_batches(tmp_path)
    monkeypatch.setenv("CIFAR_SK_DATA", str(tmp_path))
    assert load_dataset().name == "cifar10-subset"


@pytest.mark.parametrize("layout", ["datasets", "datasets/cifar-10-batches-py-target"])
def test_the_keras_cache_is_found(offline, layout):
    write_batches(offline / layout)
    assert len(fetch_cifar10(download=False).images) == 50


def test_an_archive_gives_what_the_folder_gives(tmp_path):
    folder = write_batches(tmp_path)
    archive = write_archive(folder, tmp_path / "mine.tar.gz")
    from_archive, from_folder = load_dataset(archive, test_split=True), load_dataset(folder)
    assert from_archive.fingerprint == from_folder.fingerprint
    assert len(from_archive.test_images) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name, archive.name]


@pytest.mark.parametrize("name", CIFAR10.archives)
def test_a_canonical_archive_with_a_wrong_checksum_is_refused(tmp_path, name):
    home = tmp_path / "home"
    home.mkdir()
    write_archive(write_batches(tmp_path), home / name)
    with pytest.raises(InputError, match=r"MD5 c58f30108f.*delete it and download"):
        load_dataset(data_home=home)


def test_a_corrupted_archive_is_one_sentence(tmp_path):
    archive = write_archive(write_batches(tmp_path, n=50), tmp_path / "mine.tar.gz")
    archive.write_bytes(archive.read_bytes()[:200_000])
    with pytest.raises(InputError, match=r"mine.tar.gz' cannot be read .* cut short"):
        load_dataset(archive)


def test_an_archive_of_something_else_is_refused(tmp_path):
    (tmp_path / "pets").mkdir()
    archive = write_archive(tmp_path / "pets", tmp_path / "pets.tar.gz")
    with pytest.raises(InputError, match="must hold cifar-10-batches-py/ or cifar-100-python/"):
        load_dataset(archive)


class _Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize("archived", [False, True])
def test_a_malicious_pickle_does_not_run(tmp_path, monkeypatch, archived):
    monkeypatch.chdir(tmp_path)
    path = write_batches(tmp_path, data_batch_2={b"data": _Attack()})
    if archived:
        path = write_archive(path, tmp_path / "mine.tar.gz")
    with pytest.raises(InputError, match=r"data_batch_2.* asks for \w+\.mkdir"):
        load_dataset(path)
    assert not Path("attacked").exists()


def test_numpy_itself_cannot_be_called_by_a_pickle(tmp_path):
    huge = b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R."  # numpy.ndarray(2 ** 31 - 1)
    objects = np.array([{}, None], dtype=object)
    for content, message in [
        (huge, "cannot be read as a complete CIFAR batch"),
        ({b"data": objects}, "not of bytes"),
    ]:
        folder = write_batches(tmp_path / message[:3], data_batch_1=content)
        with pytest.raises(InputError, match=message):
            load_dataset(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(batch(), protocol=3)[:5000], "truncated or damaged"),
        (b"", "truncated or damaged"),
        (batch(10, labels=[0] * 9), "10 images and 9 labels"),
        (batch(2, labels=[0, 10]), "integers from 0 to 9, got 10"),
        (batch(2, labels=[0, 1.0]), "integers from 0 to 9, got 1.0"),
        (batch(rows=np.zeros((10, 100), np.uint8)), r"got the shape \(10, 100\)"),
        ([1, 2], r"got the shape \(0,\) and a NoneType"),
    ],
)
def test_a_damaged_batch_is_named(tmp_path, content, message):
    folder = write_batches(tmp_path, data_batch_3=content)
    with pytest.raises(InputError, match=rf"data_batch_3.*{message}"):
        load_dataset(folder)


def test_a_missing_batch_or_other_classes_are_refused(tmp_path):
    folder = write_batches(tmp_path / "a")
    (folder / "data_batch_4").unlink()
    with pytest.raises(InputError, match="got no data_batch_4: copy"):
        load_dataset(folder)
    others = {"batches.meta": {b"label_names": [b"cat", b"dog"]}}
    with pytest.raises(InputError, match="must list CIFAR-10's classes"):
        load_dataset(write_batches(tmp_path / "b", **others))


# --- which copy is taken


@pytest.fixture
def mixed_home(tmp_path):
    write_batches(tmp_path / "lossless", n=4, data_batch_1=batch(10))
    jpegs = [encoded("JPEG")] * 40
    write_parquet(tmp_path / "jpeg/train-0.parquet", jpegs, [k % 10 for k in range(40)])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found", "n"),
    [
        (None, "cifar10-jpeg-subset", 40),
        ("cifar10", "cifar10-subset", 26),
        ("cifar10-jpeg", "cifar10-jpeg-subset", 40),
    ],
)
def test_the_default_takes_most_images_and_a_name_what_it_says(mixed_home, name, found, n):
    data = load_dataset(name, data_home=mixed_home)
    assert (data.name, len(data.images), data.fallback) == (found, n, None)


def test_of_equally_large_copies_the_lossless_is_taken(tmp_path):
    write_batches(tmp_path, n=10)
    images, labels = [encoded("JPEG")] * 50, [k % 10 for k in range(50)]
    write_parquet(tmp_path / "train.parquet", images, labels)
    assert load_dataset(data_home=tmp_path).name == "cifar10-subset"


def test_cifar10_is_never_jpeg(tmp_path):
    write_parquet(tmp_path / "train.parquet", [encoded("JPEG")] * 10, list(range(10)))
    with pytest.raises(InputError, match=r"which has 'cifar10-jpeg-subset'.*put cifar-10-b"):
        load_dataset("cifar10", data_home=tmp_path)


@pytest.mark.parametrize(("encoding", "name"), [("PNG", "cifar10"), ("JPEG", "cifar10-jpeg")])
def test_a_complete_copy_has_the_full_name(tmp_path, encoding, name):
    images, labels = [encoded(encoding)] * 50_000, np.tile(np.arange(10), 5_000)
    write_parquet(tmp_path / "train.parquet", images, labels)
    data = load_dataset(name, data_home=tmp_path, limit=20)
    assert (data.name, len(data.images)) == (name, 20)


def test_an_unrelated_parquet_file_in_the_home_is_passed_over(tmp_path):
    pq.write_table(pa.table({"price": [1.0]}), tmp_path / "train.parquet")
    assert load_dataset(data_home=tmp_path).name == "digits"


# --- without network


def test_by_default_the_digits_stand_in_and_say_so(offline):
    data = load_dataset(limit=50)
    assert data.name == "digits"
    assert "NOT CIFAR-10" in data.fallback
    assert "could not be downloaded" in data.fallback
    assert list(offline.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10", "cifar10-jpeg", "cifar100"])
def test_a_named_data_set_never_falls_back(name, offline):
    with pytest.raises(
        InputError, match=r"was not found in .*CIFAR_SK_DATA is not set.*put cifar"
    ):
        load_dataset(name)
    assert list(offline.iterdir()) == []


def test_a_broken_copy_is_an_error_even_by_default(tmp_path):
    write_batches(tmp_path, data_batch_5=b"")
    with pytest.raises(InputError, match="data_batch_5"):
        load_dataset(data_home=tmp_path)


@pytest.fixture
def server(tmp_path):
    """A folder, and the address at which its files can be downloaded."""
    folder = tmp_path / "server"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_failed_download_leaves_nothing(server, offline):
    folder, url = server
    (folder / CIFAR10.archive).write_bytes(b"<html>log in to the network first</html>")
    layout = dataclasses.replace(CIFAR10, url=f"{url}/{CIFAR10.archive}")
    with pytest.raises(InputError, match=r"not be downloaded \(MD5 hash of downloaded file"):
        find_cifar(layout, None, names=["cifar10"], test_split=False, download=True)
    assert [path for path in offline.rglob("*") if path.is_file()] == []


def test_a_download_is_kept_where_keras_keeps_it(server, offline, tmp_path):
    folder, url = server
    archive = write_archive(write_batches(tmp_path / "home"), folder / CIFAR10.archive)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    layout = dataclasses.replace(CIFAR10, url=f"{url}/{archive.name}", md5=md5, n_train=50)
    options = {"names": ["cifar10"], "test_split": True}
    found = find_cifar(layout, None, **options, download=True)
    assert found.source == f"CIFAR-10, downloaded from {layout.url}."
    np.testing.assert_array_equal(found.draw(None), fetch_cifar10(tmp_path / "home").images)
    assert found.draw_test()[0].shape == (10, 32, 32, 3)
    kept = offline / "datasets" / "cifar-10-batches-py-target_archive"
    assert kept.read_bytes() == archive.read_bytes()
    again = find_cifar(layout, None, **options, download=False)
    np.testing.assert_array_equal(again.target, found.target)


# --- names and paths


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar01", r"neither a known name nor an existing path; did you mean 'cifar10"),
        ("/no/such/folder", "neither a known name nor an existing path; known: cifar10"),
    ],
)
def test_an_unknown_data_set_is_one_sentence(name, message):
    with pytest.raises(InputError, match=message):
        load_dataset(name)


def test_a_path_to_no_data_set_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no images")
    with pytest.raises(InputError, match=r"must be one of: folder of .*, \.npz, Parquet, CIFAR"):
        load_dataset(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="path must be an existing folder"):
        load_image_folder(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="data_home must be an existing folder"):
        load_dataset("cifar10", data_home=tmp_path / "none")


# --- folders of images


@pytest.fixture
def pets(tmp_path):
    folder = tmp_path / "pets"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        (folder / name / ".DS_Store").write_bytes(b"")
    (folder / "README").write_text("beside the classes")
    Image.new("RGB", (40, 20), (10, 20, 30)).save(folder / "cat/a.png")
    Image.new("RGBA", (8, 8), (10, 20, 30, 255)).save(folder / "cat/b.png")
    Image.new("L", (64, 64), 77).save(folder / "dog/a.jpg")
    Image.fromarray(np.full((9, 9), 77 * 256, np.uint16)).save(folder / "dog/b.png")
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([77, 77, 77, 0, 0, 0])
    palette.save(folder / "dog/c.png", transparency=b"\xff\x00")
    return folder


def test_a_folder_is_resized_and_made_rgb(pets):
    data = load_image_folder(pets, image_size=(12, 16))
    assert data.images.shape == (5, 12, 16, 3)
    assert (data.images[:2] == (10, 20, 30)).all()
    assert (data.images[2:] == 77).all()
    assert data.target.tolist() == [0, 0, 1, 1, 1]
    assert (data.target_names, data.name) == (["cat", "dog"], "pets")
    assert load_dataset(pets).images.shape == (5, 32, 32, 3)


def test_an_image_is_turned_upright(pets):
    stripes = np.zeros((20, 40), np.uint8)
    stripes[:, :20] = 255  # the left half, which orientation 6 turns to the top
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stripes).save(pets / "cat/a.png", exif=exif)
    image = load_image_folder(pets, image_size=(40, 20)).images[0, :, :, 0]
    assert image[:15].min() == 255
    assert image[25:].max() == 0


def test_files_that_are_no_images_are_named(pets):
    (pets / "cat/notes.txt").write_text("not an image")
    content = (pets / "dog/a.jpg").read_bytes()
    (pets / "dog/a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cat/notes.txt' is no image .*, nor are 1 more"):
        load_image_folder(pets)


def test_every_class_needs_images_and_one_class_is_none(pets):
    (pets / "fish").mkdir()
    with pytest.raises(InputError, match="fish' must hold images of its class"):
        load_image_folder(pets)
    with pytest.raises(InputError, match="at least two classes, got 0"):
        load_image_folder(pets / "cat")


def test_a_folder_cannot_pass_for_cifar10(pets):
    assert load_dataset(pets.rename(pets.parent / "cifar10")).name == "cifar10-folder"


# --- NumPy archives

IMAGES = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1, 1, 0])


def test_npz_images_and_labels(tmp_path):
    np.savez(tmp_path / "pets.npz", images=IMAGES, labels=np.array(list("baabab")))
    data = load_npz(tmp_path / "pets.npz")
    np.testing.assert_array_equal(data.images, IMAGES)
    assert (data.target_names, data.target.tolist()) == (["a", "b"], [1, 0, 0, 1, 0, 1])
    assert data.name == "pets"


def test_npz_train_and_test(tmp_path):
    path = tmp_path / "grey.npz"
    labels = np.array([[7], [3], [7], [3], [3], [7]], np.uint8)
    test = {"x_test": IMAGES[:2, :, :, 0], "y_test": np.array([7, 7])}
    np.savez(path, x_train=IMAGES[..., 0], y_train=labels, **test)
    data = load_npz(path, test_split=True)
    assert data.images.shape == (6, 5, 4, 1)
    assert (data.target_names, data.target.tolist()) == (["3", "7"], [1, 0, 1, 0, 0, 1])
    assert data.test_target.tolist() == [1, 1]
    assert load_dataset(path).test_images is None
    assert load_dataset(path, image_size=(3, 3)).images.shape == (6, 3, 3, 1)


def test_npz_class_names_order_string_labels(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, images=IMAGES, labels=np.array(list("baabab")), class_names=["b", "a"])
    assert load_npz(path).target.tolist() == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES}, "must hold 'images' and 'labels'.*got images"),
        ({"images": IMAGES, "labels": LABELS[:5]}, "one label per image, got 6 .* and 5"),
        ({"images": IMAGES / 255, "labels": LABELS}, r"images \* 255"),
        ({"images": IMAGES / 255 - 1, "labels": LABELS}, "undo the normalisation"),
        ({"images": IMAGES * np.nan, "labels": LABELS}, "NaN or infinite"),
        ({"images": IMAGES.astype(int), "labels": LABELS}, r"int64 from .*astype\('uint8'\)"),
        ({"images": IMAGES[0, 0], "labels": LABELS[:4]}, r"shape \(n, h, w, c\)"),
        ({"images": IMAGES.transpose(0, 3, 1, 2), "labels": LABELS}, r"transpose\(0, 2, 3, 1\)"),
        ({"images": IMAGES, "labels": LABELS * 0.5}, "integers or strings, got float64"),
        ({"images": IMAGES, "labels": LABELS * np.nan}, "integers or strings, got NaN"),
        ({"images": IMAGES, "labels": np.eye(2)[LABELS]}, r"argmax\(axis=1\)"),
        ({"images": IMAGES, "labels": LABELS * 0}, "at least two classes, got only"),
        ({"images": IMAGES, "labels": LABELS - 1}, "must be 0 or more, got -1"),
        ({"images": IMAGES, "labels": LABELS, "class_names": ["a"]}, "from 0 to 0, got 1"),
        ({"images": IMAGES, "labels": LABELS, "class_names": list("abc")}, "no image of c"),
        ({"images": IMAGES, "labels": LABELS.astype(object)}, "without object arrays"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 1},
            "that the training images have, got 2",
        ),
    ],
)
def test_an_unusable_npz_is_one_sentence(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load_npz(tmp_path / "bad.npz", test_split=True)


def test_a_corrupted_npz_is_one_sentence(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    for content in (b"", path.read_bytes()[:300], b"not a zip file"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be read as an \.npz archive"):
            load_npz(path)


# --- Parquet


def test_parquet_of_the_hub(tmp_path):
    images = [encoded(color=(k, 2 * k, 3 * k)) for k in range(20)]
    folder = write_parquet(tmp_path / "copy/train-0.parquet", images[:12], [0, 1] * 6, "ab").parent
    write_parquet(folder / "train-1.parquet", images[12:], [1, 0] * 4, "ab")
    write_parquet(folder / "test-0.parquet", images[:3], [1, 1, 0], "ab")
    data = load_parquet(folder, test_split=True)
    assert data.images.shape == (20, 32, 32, 3)
    np.testing.assert_array_equal(data.images[:, 5, 6], [(k, 2 * k, 3 * k) for k in range(20)])
    assert data.target.tolist() == [0, 1] * 6 + [1, 0] * 4
    assert (data.target_names, data.name) == (["a", "b"], "copy")
    assert data.test_target.tolist() == [1, 1, 0]
    assert load_parquet(folder).test_images is None


@pytest.mark.parametrize("crab", ["crab", "cra"])  # the hub's copy misspells it
def test_cifar100_parquet_has_fine_labels(tmp_path, crab):
    names = [crab if name == "crab" else name for name in CIFAR100.class_names]
    columns = ("img", "fine_label")
    write_parquet(tmp_path / "train.parquet", [encoded()] * 100, list(range(100)), names, columns)
    data = load_dataset("cifar100", data_home=tmp_path)
    assert (data.name, data.target_names[26]) == ("cifar100-subset", "crab")


def test_other_images_under_cifars_class_names_are_not_cifar10(tmp_path):
    path = write_parquet(tmp_path / "big.parquet", [encoded(size=(9, 7))] * 10, list(range(10)))
    assert load_parquet(path).name == "big"


def test_parquet_of_the_test_split_says_so(tmp_path):
    path = write_parquet(tmp_path / "test-0.parquet", [encoded("JPEG")] * 10, list(range(10)))
    assert load_parquet(path).name == "cifar10-jpeg-test"


def test_parquet_images_of_several_sizes_need_an_image_size(tmp_path):
    images = [encoded(size=(8, 8)), encoded(size=(9, 7))]
    path = write_parquet(tmp_path / "a.parquet", images, [0, 1], None, ("image", "label"))
    with pytest.raises(InputError, match=r"row 1 .*9×7 pixels .* of 8×8.*image_size"):
        load_parquet(path)
    assert load_dataset(path, image_size=(4, 6)).images.shape == (2, 4, 6, 3)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([encoded()] * 3, [0, 1, 2], "from 0 to 1, got 2"),
        ([encoded()] * 3, [0, 1, None], "a label in every row, got 1 null"),
        ([encoded()] * 3, [0.0, 1.0, 0.0], "integers or strings, got float64"),
        ([encoded(), None, encoded()], [0, 1, 0], "got none in row 1"),
        ([encoded(), encoded(), b"text"], [0, 1, 0], "row 2 is no image"),
    ],
)
def test_an_unusable_parquet_is_one_sentence(tmp_path, images, labels, message):
    path = write_parquet(tmp_path / "a.parquet", images, labels, "ab")
    with pytest.raises(InputError, match=message):
        load_parquet(path)


def test_a_corrupted_or_foreign_parquet_is_one_sentence(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [encoded()] * 4, [0, 1, 0, 1], "ab")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        load_parquet(path)
    pq.write_table(pa.table({"price": [1.0]}), path)
    with pytest.raises(InputError, match=r"must have a column 'img' or 'image'.*got price"):
        load_parquet(path)


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": {"features": {"label": "int"}}}'])
def test_unusable_metadata_is_one_sentence(tmp_path, metadata):
    path = write_parquet(tmp_path / "a.parquet", [encoded()] * 2, [0, 1], None)
    table = pq.read_table(path).replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, path)
    with pytest.raises(InputError, match="'huggingface' metadata must be JSON"):
        load_parquet(path)


# --- the real thing


@pytest.fixture
def real_home():
    if not REAL_HOME:
        pytest.skip("CIFAR_SK_DATA is not set: no real CIFAR-10 images")
    return REAL_HOME


@pytest.mark.realdata
def test_real_lossless_batches(real_home):
    data = load_dataset("cifar10", data_home=real_home, test_split=True)
    assert (data.name, data.images.shape) == ("cifar10-subset", (5170, 32, 32, 3))
    assert data.target[:5].tolist() == [6, 9, 9, 4, 1]  # as in every CIFAR-10 tutorial
    assert data.images[0, 0, 0].tolist() == [59, 62, 63]
    assert data.test_target[:5].tolist() == [3, 8, 8, 0, 6]


@pytest.mark.realdata
def test_real_jpeg_parquet(real_home):
    data = load_dataset(data_home=real_home, limit=5_000)
    assert (data.name, data.images.shape) == ("cifar10-jpeg", (5_000, 32, 32, 3))
    assert "all 50,000 training images" in data.DESCR
    assert np.bincount(data.target).tolist() == [500] * 10
    published = np.array([0.4914, 0.4822, 0.4465])  # CIFAR-10's channel means
    np.testing.assert_allclose(data.images.mean(axis=(0, 1, 2)) / 255, published, atol=0.01)


@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_no_program_is_started_for_what_calls_itself_an_image(tmp_path, monkeypatch, kind):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # as in a new process
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    if kind == "folder":
        source = tmp_path / "pets"
        for name in ("cat", "dog"):
            (source / name).mkdir(parents=True)
            (source / name / "0.png").write_bytes(eps)
    else:
        source = tmp_path / "train-0.parquet"
        images = [{"bytes": eps, "path": "0.png"}] * 4
        pq.write_table(pa.table({"img": images, "label": [0, 1, 0, 1]}), source)
    with pytest.raises(InputError, match="cannot identify image file"):
        load_dataset(str(source))
    assert not (tmp_path / "started").exists()
