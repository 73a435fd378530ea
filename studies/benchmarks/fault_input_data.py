"""Bad data sets: archives, Parquet files and folders of images, by what is bad."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FOLDERS", "NPZ", "PARQUET", "good_npz", "mutated"]

_N = 30
Given = tuple[Any, Any]


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    """Return 30 grey images of three classes."""
    images = np.random.default_rng(0).integers(0, 256, (_N, 8, 8, 1)).astype(np.uint8)
    return images, np.arange(_N) % 3


def good_npz(path: Path, **changes: Any) -> Path:
    """Write an archive that is right, or is but for one array."""
    images, labels = images_and_labels()
    arrays = {"images": images, "labels": labels, **changes}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Flip bits, cut, repeat or insert bytes at random places."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) or 1)
        way = rng.randrange(5)
        if way <= 1 and data:
            data[place] ^= 1 << rng.randrange(8)
        elif way == 2:
            data[place:place] = rng.randbytes(rng.randint(1, 16))
        elif way == 3:
            del data[place : place + rng.randint(1, 64)]
        else:
            data = data[: rng.randrange(len(data) + 1)]
    return bytes(data)


def _same_iff(path: Path, good: Path, read: Callable[[Path], Any]) -> Callable[[str], bool]:
    """Decide by an independent reader whether a fingerprint is that of the right images."""

    def is_right(fingerprint: str) -> bool:
        from cifar_sk.datasets import load_dataset

        try:
            same = read(path) == read(good)
        except Exception:
            return False
        return same == (load_dataset(good).fingerprint == fingerprint)

    return is_right


# --- archives -------------------------------------------------------------------------------


def _npz_content(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        names = {"images", "labels", "class_names"} & set(archive.files)
        return {name: (archive[name].shape, archive[name].tobytes()) for name in names}


def _npz(mutate: bool = False, packed: bool = False, **changes: Any) -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        given = {k: v(rng) if callable(v) else v for k, v in changes.items()}
        path = good_npz(folder / "data.npz", **given)
        if packed:
            images, labels = images_and_labels()
            np.savez_compressed(path, images=images, labels=labels)
        if not mutate:
            return path, "refuse"
        return _mutated(path, rng, _npz_content)

    return generate


def _mutated(path: Path, rng: random.Random, content: Callable[[Path], Any]) -> Given:
    """Change bytes of a file, which must then be refused or read as it was."""
    good = path.with_stem("right")
    good.write_bytes(path.read_bytes())
    path.write_bytes(mutated(path.read_bytes(), rng))
    return path, _same_iff(path, good, content)


def _named(*names: str) -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        return good_npz(folder / "data.npz", class_names=np.array(names)), "accept"

    return generate


def _bytes(content: Callable[[random.Random], bytes]) -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        path = folder / "data.npz"
        path.write_bytes(content(rng))
        return path, "refuse"

    return generate


def _header(rng: random.Random) -> bytes:
    """Write an archive whose array says that it has more numbers than any machine."""
    shape = rng.choice(["(300000000000000,)", "(-5,)", "(1" + "0" * 40 + ",)", "(", "((2,),)"])
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("images.npy", array)
        archive.writestr("labels.npy", array)
    return buffer.getvalue()


def _zip_field(offset: int, value: int) -> Callable[[random.Random], bytes]:
    """Change a field of every entry: the flags (8 and 6) or the method (10 and 8)."""

    def content(_: random.Random) -> bytes:
        buffer = io.BytesIO()
        images, labels = images_and_labels()
        np.savez(buffer, images=images, labels=labels)
        data = bytearray(buffer.getvalue())
        for signature, shift in ((b"PK\x01\x02", 0), (b"PK\x03\x04", -2)):
            at = data.find(signature)
            while at >= 0:
                struct.pack_into("<H", data, at + offset + shift, value)
                at = data.find(signature, at + 4)
        return bytes(data)

    return content


NPZ: dict[str, Callable[..., Given]] = {
    "bytes changed": _npz(mutate=True),
    "bytes changed, packed": _npz(mutate=True, packed=True),
    "bytes changed again": _npz(mutate=True),
    "bytes changed again, packed": _npz(mutate=True, packed=True),
    "encrypted": _bytes(_zip_field(8, 1)),
    "unknown compression": _bytes(_zip_field(10, 77)),
    "torn or huge header": _bytes(_header),
    "no archive": _bytes(lambda rng: rng.randbytes(rng.randint(0, 500))),
    "float images": _npz(images=lambda _: images_and_labels()[0] / 255),
    "five axes": _npz(images=lambda _: images_and_labels()[0][None]),
    "one axis": _npz(images=lambda _: np.zeros(_N, np.uint8)),
    "no image": _npz(images=np.zeros((0, 8, 8, 1), np.uint8), labels=np.zeros(0, int)),
    "empty images": _npz(images=np.zeros((_N, 0, 8, 1), np.uint8)),
    "fewer labels": _npz(labels=lambda rng: np.arange(rng.randrange(_N)) % 3),
    "labels in two axes": _npz(labels=lambda _: np.zeros((_N, 3), int)),
    "NaN labels": _npz(labels=lambda _: np.full(_N, np.nan)),
    "fractions as labels": _npz(labels=lambda _: np.arange(_N) % 3 + 0.5),
    "complex labels": _npz(labels=lambda _: np.arange(_N) % 3 * 1j),
    "dates as labels": _npz(labels=lambda _: np.arange(_N).astype("datetime64[D]")),
    "objects": _npz(labels=lambda _: np.array([None, "a", 3] * 10, dtype=object)),
    "one class": _npz(labels=lambda _: np.zeros(_N, int)),
    "no labels": _npz(labels=None),
    "no images": _npz(images=None),
    "equal class names": _npz(class_names=np.array(["cat", "cat", "dog"])),
    "too few class names": _npz(class_names=np.array(["cat"])),
    "class names as numbers": _npz(class_names=np.arange(9.0).reshape(3, 3)),
    "labels beyond the names": _npz(labels=np.arange(_N) % 7, class_names=np.array(["a"])),
    "names with LaTeX": _named(r"$\frac$", "$x$", "^_{"),
    "names with markup": _named("<b>a</b>", "[red]x[/red]", "&amp;"),
    "names as formulas": _named("=1+1", "+A1", "@SUM(A1)"),
    "long names": _named("a" * 5000, "b" * 5000, "c"),
    "names with line breaks": _named("a\nb", "c\td", "e,f"),
}


# --- Parquet --------------------------------------------------------------------------------


def _png(value: int = 0, size: tuple[int, int] = (8, 8)) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(buffer, "PNG")
    return buffer.getvalue()


def _parquet_file(
    path: Path,
    *,
    encoded: Any = None,
    labels: Any = None,
    metadata: Any = None,
    names: tuple[str, str] = ("img", "label"),
) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    encoded = [_png(7 * k) for k in range(_N)] if encoded is None else encoded
    labels = [k % 3 for k in range(_N)] if labels is None else labels
    column = [{"bytes": item, "path": None} for item in encoded]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({names[0]: pa.array(column, kind), names[1]: labels})
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, path)
    return path


def _parquet_content(path: Path) -> Any:
    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(path, columns=["img", "label"])
    encoded = table["img"].combine_chunks().field("bytes").to_pylist()
    pixels = [Image.open(io.BytesIO(item)).convert("RGB").tobytes() for item in encoded]
    return pixels, table["label"].to_pylist()


def _parquet(mutate: bool = False, **changes: Any) -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        given = {k: v(rng) if callable(v) else v for k, v in changes.items()}
        path = _parquet_file(folder / "data.parquet", **given)
        if not mutate:
            return path, "refuse"
        return _mutated(path, rng, _parquet_content)

    return generate


def _features(names: Any) -> bytes:
    features = {"img": {}, "label": {"names": names}}
    return json.dumps({"info": {"features": features}}).encode()


def _other_metadata(rng: random.Random) -> bytes:
    ways = [b"", b"[]", b"{", b"7", b"\xff", b'{"info": 3}', b'{"info": {"features": []}}']
    return rng.choice([*ways, b"[" * 100_000, b'{"info": {"features": {"label": 5}}}'])


PARQUET: dict[str, Callable[..., Given]] = {
    "bytes changed": _parquet(mutate=True),
    "bytes changed again": _parquet(mutate=True),
    "bytes changed once more": _parquet(mutate=True),
    "lists as labels": _parquet(labels=[[k] for k in range(_N)]),
    "structs as labels": _parquet(labels=[{"a": k} for k in range(_N)]),
    "no label": _parquet(labels=[None] * _N),
    "a label missing": _parquet(labels=lambda rng: [None, *[k % 3 for k in range(_N - 1)]]),
    "NaN labels": _parquet(labels=[float("nan")] * _N),
    "an image missing": _parquet(encoded=[None, *[_png()] * (_N - 1)]),
    "no images": _parquet(encoded=lambda rng: [rng.randbytes(40) for _ in range(_N)]),
    "an image cut short": _parquet(encoded=lambda rng: [_png()[: rng.randint(1, 40)]] * _N),
    "images of two sizes": _parquet(encoded=[_png(), _png(size=(9, 8))] * (_N // 2)),
    "other columns": _parquet(names=("picture", "class")),
    "no row": _parquet(encoded=[], labels=[]),
    "other metadata": _parquet(metadata=_other_metadata),
    "names of other types": _parquet(
        metadata=lambda rng: _features(rng.choice([3, "abc", [1, 2, 3], [None] * 3, {"a": 1}]))
    ),
    "equal names": _parquet(metadata=_features(["a", "a", "b"])),
    "too few names": _parquet(metadata=_features(["a"])),
    "nested metadata": _parquet(metadata=b'{"info":' * 60_000 + b"1" + b"}" * 60_000),
    "text": lambda folder, rng: (_written(folder / "data.parquet", b"PAR1 text PAR1"), "refuse"),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# --- folders of images ----------------------------------------------------------------------


def _folder(
    change: Callable[[Path, random.Random], Any], expected: str = "refuse"
) -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        path = folder / "pets"
        for name in ("cat", "dog"):
            (path / name).mkdir(parents=True)
            for k in range(4):
                (path / name / f"{k}.png").write_bytes(_png(9 * k))
        change(path, rng)
        return path, expected

    return generate


def _bomb(path: Path, _: random.Random) -> None:
    """Declare an image of 1.6 gigapixels in a file of 100 bytes."""
    content = bytearray(_png())
    struct.pack_into(">II", content, 16, 40_000, 40_000)
    import zlib

    struct.pack_into(">I", content, 29, zlib.crc32(bytes(content[12:29])))
    (path / "cat" / "big.png").write_bytes(content)


def _non_utf8(path: Path, _: random.Random) -> None:
    (path / "cat").rename(path / os.fsdecode(b"c\xffat"))


def _emptied(path: Path, _: random.Random) -> None:
    for file in (path / "dog").iterdir():
        file.unlink()


def _one_class(path: Path, rng: random.Random) -> None:
    _emptied(path, rng)
    (path / "dog").rmdir()


FOLDERS: dict[str, Callable[..., Given]] = {
    "an image cut short": _folder(
        lambda path, rng: (path / "cat" / "x.png").write_bytes(_png()[: rng.randint(0, 40)])
    ),
    "no image": _folder(lambda path, rng: (path / "cat" / "a.png").write_bytes(rng.randbytes(90))),
    "text": _folder(lambda path, _: (path / "cat" / "notes.txt").write_text("notes")),
    "an empty class": _folder(_emptied),
    "one class": _folder(_one_class),
    "an image of 1.6 gigapixels": _folder(_bomb),
    "a name that is not UTF-8": _folder(_non_utf8),
    "Thumbs.db": _folder(lambda path, _: (path / "cat" / "Thumbs.db").write_bytes(b"x"), "accept"),
    "desktop.ini": _folder(
        lambda path, _: (path / "dog" / "desktop.ini").write_bytes(b"x"), "accept"
    ),
    ".DS_Store": _folder(lambda path, _: (path / ".DS_Store").write_bytes(b"x"), "accept"),
    "a dangling link": _folder(
        lambda path, _: (path / "cat" / "a.png").symlink_to("nowhere"), "any"
    ),
    "a link to itself": _folder(
        lambda path, _: (path / "cat" / "l").symlink_to(path / "cat"), "any"
    ),
    "markup as a name": _folder(lambda path, _: (path / "cat").rename(path / "<b>$x"), "accept"),
    "LaTeX as a name": _folder(lambda path, _: (path / "cat").rename(path / r"$\frac$"), "accept"),
    "a line break in a name": _folder(lambda path, _: (path / "cat").rename(path / "a\nb"), "any"),
}
