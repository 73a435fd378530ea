"""Files that are damaged or meant to do harm: a `Bunch` or one sentence, within seconds."""

import io
import json
import os
import pickle
import struct
import tarfile
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import Bunch
from test_datasets import IMAGES, LABELS, batch, encoded, write_archive, write_batches

from cifar_sk.datasets import load_dataset, load_image_folder, load_npz, load_parquet
from cifar_sk.datasets.layouts import CIFAR10
from cifar_sk.errors import InputError

ONE_LINE = 1_100  # characters


def refused(load, *arguments, match=None):
    """Check that input is refused within seconds, by a sentence of some length."""
    start = time.monotonic()
    with pytest.raises(InputError, match=match) as caught:
        load(*arguments)
    assert len(str(caught.value)) < ONE_LINE
    assert time.monotonic() - start < 10


# --- NumPy archives


def npy(header, content=b""):
    """Write an array whose header says what it likes."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def write_npz(path, *, compression=zipfile.ZIP_STORED, **members):
    arrays = {"images": IMAGES, "labels": LABELS, **members}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in arrays.items():
            buffer = io.BytesIO()
            if isinstance(content, np.ndarray):
                np.save(buffer, content)
            archive.writestr(f"{name}.npy", buffer.getvalue() or content)
    return path


def patched(path, offset, new):
    """Write other bytes where every member's header begins, in the directory as well."""
    content = bytearray(path.read_bytes())
    for mark, shift in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + shift + offset : start + shift + offset + len(new)] = new
            start = content.find(mark, start + 4)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (300000000000000, ), }", "TiB"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 5, 4, 3), }", "EOF"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 5", "cannot be read"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (6,), }", "Object arrays"),
        ("[" * 100, "cannot be read"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "shape"),
    ],
)
def test_an_npz_whose_header_lies(tmp_path, header, message):
    path = write_npz(tmp_path / "a.npz", images=npy(header, b"\x07"))
    refused(load_npz, path, match=rf"a\.npz'.*{message}")


@pytest.mark.parametrize(
    ("offset", "new", "message"),
    [
        (0, b"\x01", "encrypted"),
        (2, b"\x63", "compression"),
        (2, b"\x08", ""),
        (4, b"\x00\x00\xff\xff", "CRC"),
    ],
)
def test_an_npz_that_zip_refuses(tmp_path, offset, new, message):
    path = write_npz(tmp_path / "a.npz")
    patched(path, offset if len(new) == 1 else 8, new)
    refused(load_npz, path, match=rf"a\.npz' cannot be read as an \.npz archive.*{message}")


def test_an_npz_whose_deflate_is_damaged(tmp_path):
    path = write_npz(tmp_path / "a.npz", compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    content[40:80] = b"\xff" * 40
    path.write_bytes(content)
    refused(load_npz, path, match="cannot be read as an .npz archive .*Error -3 while decompress")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": np.array(3)}, "one label per image, got 6 .* and 1"),
        ({"images": np.array(3, np.uint8)}, r"shape \(n, h, w, c\)"),
        ({"labels": np.zeros(6, [("a", int)])}, "integers or strings"),
        ({"labels": np.array(["2020"] * 6, "M8")}, "integers or strings"),
        ({"labels": np.array([b"\xff", b"a"] * 3)}, "cannot be read"),
        ({"labels": np.array(["\udce9", "a"] * 3)}, "a class is called '.udce9'"),
        ({"labels": np.array(["", "a"] * 3)}, "a class is called ''"),
        ({"labels": np.array(["x" * 5_000, "a", "b"] * 2), "class_names": np.array(["a"])}, "b"),
        ({"class_names": np.array(["cat", "cat"])}, "two classes are called 'cat'"),
        ({"class_names": np.array(["a", " "])}, "a class is called ' '"),
        ({"class_names": np.array(3)}, "cannot be read"),
        ({"class_names": np.zeros((2, 2))}, "class names must be a list"),
    ],
)
def test_an_npz_of_odd_arrays(tmp_path, arrays, message):
    refused(load_npz, write_npz(tmp_path / "a.npz", **arrays), match=message)


def test_an_npz_bomb_is_refused_by_its_sizes(tmp_path):
    path = write_npz(tmp_path / "a.npz", compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    first = content.find(b"PK\x01\x02")
    sizes = struct.pack("<L", 2**31)  # what the directory says that the member unpacks to
    path.write_bytes(content[: first + 24] + sizes + content[first + 28 :])
    refused(load_npz, path, match=r"unpacks to more than 1\.1 GB, over 200 times its size")


# --- Parquet


def table_of(images=None, labels=None, metadata=None):
    images = [{"bytes": encoded(size=(4, 4)), "path": None}] * 4 if images is None else images
    table = pa.table({"img": images, "label": [0, 1, 0, 1] if labels is None else labels})
    return table.replace_schema_metadata(metadata)


def of_hub(names):
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [[0], [1], [0], [1]]}, "integers or strings, got list"),
        ({"labels": [{"a": 0}] * 4}, "integers or strings, got struct"),
        ({"labels": pa.array([b"a", b"b"] * 2)}, "integers or strings, got binary"),
        ({"labels": pa.array([True, False] * 2)}, "integers or strings, got bool"),
        ({"images": [1, 2, 3, 4]}, "must be a struct"),
        ({"images": [{"path": "a.png"}] * 4}, "must be a struct"),
        ({"images": [{"bytes": "text"}] * 4}, "must be a struct"),
        ({"metadata": {"huggingface": "[" * 100_000}}, "metadata must be JSON"),
        ({"metadata": {"huggingface": b"\xff\xfe"}}, "metadata must be JSON"),
        ({"metadata": {"huggingface": '{"info": 3}'}}, "metadata must be JSON"),
        ({"metadata": of_hub({"a": 1})}, "metadata must be JSON"),
        ({"metadata": of_hub("ab")}, "metadata must be JSON"),
        ({"metadata": of_hub(["a", 1])}, "metadata must be JSON"),
        ({"metadata": of_hub([["a"], ["b"]])}, "metadata must be JSON"),
        ({"metadata": of_hub(["a", "a"])}, "two classes are called 'a'"),
        ({"metadata": of_hub(["a", "\ud800"])}, "a class is called '.ud800'"),
        ({"metadata": of_hub(["a", ""])}, "a class is called ''"),
    ],
)
def test_a_parquet_file_of_another_schema(tmp_path, options, message):
    path = tmp_path / "a.parquet"
    pq.write_table(table_of(**options), path)
    refused(load_parquet, path, match=rf"a\.parquet'.*{message}")


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int8(), pa.string()), pa.string(), pa.int8()])
def test_labels_of_parquet_may_be_of_many_types(tmp_path, kind):
    texts = pa.array(["0", "1", "0", "1"])
    pq.write_table(table_of(labels=texts.cast(kind)), tmp_path / "a.parquet")
    assert load_parquet(tmp_path / "a.parquet").target.tolist() == [0, 1, 0, 1]


@pytest.fixture
def low_limit(monkeypatch):
    """Take for a bomb what unpacks to 30 MB: in the tests, time is short."""
    monkeypatch.setattr("cifar_sk.datasets.decoding._ALWAYS_UNPACKED", 30_000_000)


@pytest.mark.parametrize("image_size", [None, (8, 8)])
@pytest.mark.usefixtures("low_limit")
def test_a_parquet_file_of_bombs_is_refused(tmp_path, image_size):
    path = tmp_path / "a.parquet"
    bomb = encoded(size=(1_500, 1_500), color=(0, 0, 0))
    pq.write_table(table_of([{"bytes": bomb}] * 400, [0, 1] * 200), path)
    assert path.stat().st_size < 100_000
    refused(lambda: load_dataset(path, image_size=image_size), match="unpacks to more than 0.0 GB")


@pytest.mark.usefixtures("low_limit")
def test_a_parquet_file_that_lists_one_image_too_often_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    image = encoded(size=(4, 4)) + bytes(50_000)
    pq.write_table(table_of([{"bytes": image}] * 800, [0, 1] * 400), path)
    assert path.stat().st_size < 100_000
    refused(load_parquet, path, match="a.parquet' unpacks to more than")


def test_an_image_of_too_many_pixels_is_refused(tmp_path):
    content = encoded()
    head = content[12:16] + struct.pack(">LL", 12_000, 12_000) + content[24:29]
    image = content[:12] + head + struct.pack(">L", zlib.crc32(head)) + content[33:]
    pq.write_table(table_of([{"bytes": image}] * 4), tmp_path / "a.parquet")
    refused(load_parquet, tmp_path / "a.parquet", match="row 0, is no image .*pixels")


# --- batches and archives


class _Twice(list):
    """Twice itself, 40 levels deep: a repr of a million million words."""

    def __init__(self):
        inner = []
        for _ in range(40):
            inner = [inner, inner]
        super().__init__(inner)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data_batch_2", {b"data": batch()[b"data"], b"labels": [list(_Twice())] * 10}),
        ("data_batch_2", {b"data": batch()[b"data"], b"labels": [10**5000] * 10}),
        ("data_batch_2", {b"data": 3, b"labels": {}}),
        ("data_batch_2", b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x7f."),
        ("data_batch_2", b"(" * 100_000),
        ("data_batch_2", b"]r\xff\xff\xff\x7f."),  # a place in the memo
        ("data_batch_2", b"\x80\x05\x96\0\0\0\x80\1\0\0\0ab."),  # a bytearray of 6 GB
        ("test_batch", {}),
        ("batches.meta", {b"label_names": list(_Twice())}),
        ("batches.meta", [1]),
    ],
)
def test_a_batch_of_odd_values(tmp_path, name, content):
    folder = write_batches(tmp_path, **{name: content})
    refused(lambda: load_dataset(folder, test_split=True), match=f"{name}|as CIFAR batches")


def test_a_batch_of_a_terabyte_is_refused(tmp_path):
    folder = write_batches(tmp_path)
    os.truncate(folder / "data_batch_1", 2**40)
    refused(load_dataset, folder, match="data_batch_1' has 1,099,511,627,776 bytes")


def test_an_archive_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("zeros")
        member.size = 300_000_000
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(member, zeros)
    refused(load_dataset, path, match="zeros, has 300,000,000 bytes")


# --- folders of images


@pytest.fixture
def pets(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "a.png").write_bytes(encoded(size=(4, 4)))
    return tmp_path / "pets"


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "DESKTOP.INI"])
def test_what_file_managers_leave_is_passed_over(pets, name):
    (pets / "cat" / name).write_bytes(b"no image")
    (pets / name).write_bytes(b"no image")
    assert load_image_folder(pets).images.shape == (2, 32, 32, 3)


def test_links_are_followed_and_it_is_said(pets):
    outside = pets.parent / "elsewhere.png"
    (pets / "dog" / "a.png").rename(outside)
    (pets / "dog" / "b.png").symlink_to(outside)
    (pets / "dog" / "c.png").symlink_to(pets / "cat" / "a.png")
    data = load_image_folder(pets)
    assert data.target.tolist() == [0, 1, 1]
    assert "1 of them are links to files outside of it" in data.source


@pytest.mark.parametrize("target", ["nowhere.png", "loop.png"])
def test_a_link_that_leads_nowhere_is_refused(pets, target):
    (pets / "cat" / "loop.png").symlink_to(pets / "cat" / target)
    refused(load_image_folder, pets, match=r"loop.png' is a link that leads nowhere")


def test_a_link_to_the_folder_itself_is_no_class(pets):
    (pets / "again").symlink_to(pets)
    refused(load_image_folder, pets, match="again' must hold images of its class")


@pytest.mark.parametrize("name", [b"caf\xe9", b" "])
def test_a_folder_name_that_is_no_name_is_refused(pets, name):
    (pets / "cat").rename(pets / os.fsdecode(name))
    refused(load_image_folder, pets, match="a class is called")


def test_a_data_set_whose_own_name_is_no_unicode(pets):
    other = os.fsdecode(os.fsencode(pets) + b"\xe9")
    pets.rename(other)
    data = load_image_folder(other)
    json.dumps(data.name, ensure_ascii=False).encode()
    data.DESCR.encode()


# --- devices and pipes


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", "a.tar.gz", "a"])
@pytest.mark.parametrize("is_pipe", [False, True])
def test_what_has_no_end_is_refused(tmp_path, name, is_pipe):
    path = tmp_path / name
    if is_pipe:
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    refused(load_dataset, path)


def test_a_path_that_the_system_refuses_is_no_data_set():
    refused(load_dataset, "x" * 5_000, match="neither a known name nor an existing path")
    refused(load_dataset, "a\0b", match="neither a known name nor an existing path")


# --- any bytes at all


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Good files of every kind: the file to change, and the path to load."""
    folder = tmp_path_factory.mktemp("good")
    batches = write_batches(folder / "b", n=2, **{CIFAR10.meta: _meta()})
    pq.write_table(table_of(metadata=of_hub(["cat", "dog"])), folder / "a.parquet")
    np.savez_compressed(folder / "z.npz", images=IMAGES, labels=LABELS)
    np.savez(folder / "s.npz", images=IMAGES, labels=np.array(list("baabab")))
    for name, encoding in (("cat", "PNG"), ("dog", "JPEG"), ("emu", "TIFF"), ("fox", "GIF")):
        (folder / "pets" / name).mkdir(parents=True)
        (folder / "pets" / name / "a").write_bytes(encoded(encoding, size=(9, 5)))
    archive = write_archive(write_batches(folder / "c", n=1), folder / "mine.tar.gz")
    files = [folder / name for name in ("a.parquet", "z.npz", "s.npz")]
    images = [(file, folder / "pets") for file in sorted((folder / "pets").glob("*/a"))]
    inside = [(batches / name, batches) for name in ("data_batch_1", CIFAR10.meta)]
    return [*((file, file) for file in (*files, archive)), *images, *inside]


def _meta():
    return {b"label_names": [name.encode() for name in CIFAR10.class_names]}


changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), max_size=4)


@pytest.mark.parametrize("kind", range(10))
@given(edits=changes, kept=st.floats(0, 1), data=st.data())
def test_mutated_bytes_are_a_bunch_or_a_sentence(good, kind, edits, kept, data):
    file, path = good[kind]
    original = file.read_bytes()
    content = bytearray(original)
    for place, new in edits:
        start = int(place * len(content))
        content[start : start + len(new)] = new
    if data.draw(st.booleans()):
        del content[int(kept * len(content)) :]
    file.write_bytes(content)
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about tags
            assert isinstance(load_dataset(path, test_split=False), Bunch)
    except InputError as error:
        assert 10 < len(str(error)) < ONE_LINE  # noqa: PT017
    finally:
        file.write_bytes(original)
    assert time.monotonic() - start < 10


def test_pickles_of_any_kind_are_a_sentence(tmp_path):
    for content in (pickle.dumps({}), pickle.dumps(Path()), b"not a pickle", b"c__main__\nX\n."):
        folder = write_batches(tmp_path / str(len(content)), data_batch_1=content)
        refused(load_dataset, folder)
