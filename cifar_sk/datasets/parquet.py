"""Images in Parquet files, in the schema that data sets have on the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifar_sk.datasets.arrays import Arrays, OpenedDataset, Size, own_name
from cifar_sk.datasets.decoding import check_unpacked, decode_images, encoded_size
from cifar_sk.datasets.labels import encode_labels, encode_test_labels
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100, CifarLayout
from cifar_sk.datasets.registry import reader
from cifar_sk.errors import InputError, reading

__all__ = ["open_parquet", "parquet_class_names"]

_JPEG_START = b"\xff\xd8"
_ROWS_AT_A_TIME = 256


@dataclass(frozen=True)
class _Split:
    """The rows of one split: encoded images and labels in the Hugging Face schema."""

    files: tuple[Path, ...]
    encoded: list[bytes]
    labels: np.ndarray
    class_names: list[str] | None

    @property
    def layout(self) -> CifarLayout | None:
        """The CIFAR data set whose classes these are, or None."""
        for layout in (CIFAR10, CIFAR100):
            if self.class_names == list(layout.class_names) and self.size == (32, 32):
                return layout
        return None

    @property
    def jpeg(self) -> bool:
        """Whether any image is lossy."""
        return any(image.startswith(_JPEG_START) for image in self.encoded)

    @property
    def size(self) -> Size:
        """Height and width of the first image, pixels."""
        return encoded_size(self.encoded[0], f"'{self.files[0]}', row 0,")

    def draw(self, index: np.ndarray | None, image_size: Size | None) -> np.ndarray:
        """Decode the images at `index`, or all of them."""
        rows = np.arange(len(self.encoded)) if index is None else index
        where = f"'{self.files[0].parent if len(self.files) > 1 else self.files[0]}'"
        return decode_images(
            [self.encoded[k] for k in rows],
            [f"{where}, row {k}" for k in rows],
            image_size or self.size,
            resize=image_size is not None,
            packed=sum(file.stat().st_size for file in self.files),
        )


def _is_parquet(path: Path) -> bool:
    return any(path.glob("*.parquet")) if path.is_dir() else path.suffix == ".parquet"


@reader("Parquet", reads=_is_parquet)
def open_parquet(path: Path, *, test_split: bool, image_size: Size | None = None) -> OpenedDataset:
    """Open a Parquet file, or a folder of train-*.parquet and perhaps test-*.parquet."""
    train_files, test_files = _split_files(path)
    train = _read_split(train_files)
    target, names = encode_labels(train.labels, train.class_names, f"'{path}', labels,")

    def draw_test() -> Arrays:
        test = _read_split(test_files)
        if test.class_names != train.class_names:
            raise InputError(f"'{path}': the test files must list the training files' classes")
        labels = encode_test_labels(
            test.labels, train.labels, train.class_names, f"'{path}', test labels,"
        )
        return test.draw(None, image_size or train.size), labels

    name, description = _parquet_name(train, path)
    return OpenedDataset(
        name=name,
        source=f"Parquet files, read from {path.resolve().name}.",
        description=description,
        target_names=names,
        target=target,
        draw=lambda index: train.draw(index, image_size),
        draw_test=draw_test if test_split and test_files else None,
    )


def _split_files(path: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    if path.is_file():
        return (path,), ()
    train = tuple(sorted(path.glob("train*.parquet")))
    if not train:
        raise InputError(f"'{path}' must hold train-*.parquet, got none: give the file itself")
    return train, tuple(sorted(path.glob("test*.parquet")))


def _parquet_name(train: _Split, path: Path) -> tuple[str, str]:
    """Name what the rows are: CIFAR by its classes and size, else the file's own name."""
    encoding = "JPEG (lossy)" if train.jpeg else "lossless"
    n = len(train.encoded)
    if train.layout is None:
        return own_name(path, "parquet"), f"{n:,} {encoding} images."
    title, total = train.layout.title, train.layout.n_train
    if train.files[0].name.startswith("test"):
        name = f"{train.layout.named(total, jpeg=train.jpeg)}-test"
        return name, f"{title}'s test images: {n:,}, {encoding}."
    share = f"all {n:,}" if n == total else f"only {n:,} of the {total:,}"
    described = f"{title}, {encoding}: {share} training images."
    return train.layout.named(n, jpeg=train.jpeg), described


def _read_split(files: Sequence[Path]) -> _Split:
    """Read the encoded images, the labels and the class names of one split."""
    encoded: list[bytes] = []
    labels: list[np.ndarray] = []
    names: list[str] | None = None
    for file in files:
        with _opened(file) as parquet:
            image, label = _checked_columns(parquet.schema_arrow, file)
            for batch in _batches(parquet, [image, label], file):
                encoded += batch.column(image).field("bytes").to_pylist()
                labels.append(_labels(batch.column(label), file))
            names = _class_names(parquet.schema_arrow.metadata, label, file)
    if not encoded or None in encoded:
        row = encoded.index(None) if encoded else 0  # type: ignore[arg-type]
        raise InputError(f"'{files[0]}' must have an image in every row, got none in row {row}")
    return _Split(tuple(files), encoded, np.concatenate(labels), names)


def parquet_class_names(file: Path) -> list[str] | None:
    """Return the class names in a file's metadata, None where it has none."""
    with _opened(file) as parquet:
        schema = parquet.schema_arrow
        image, label = _columns(schema)
        return _class_names(schema.metadata, label, file) if image and label else None


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a file; whatever pyarrow raises for it becomes a sentence."""
    remedy = "it is corrupted or cut short; copy or download it again"
    with reading(f"'{file}'", "Parquet", remedy):
        if not file.is_file():
            raise InputError(f"'{file}' must be a Parquet file, got a device, a pipe or a folder")
        import pyarrow.parquet as pq

        with pq.ParquetFile(file) as parquet:
            yield parquet


def _batches(parquet: Any, columns: list[str], file: Path) -> Iterator[Any]:
    """Read two columns, a few rows at a time, as long as they are not absurdly large."""
    metadata, packed = parquet.metadata, file.stat().st_size
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    claimed = sum(group.total_byte_size for group in groups)
    check_unpacked(claimed, packed, f"'{file}'")
    unpacked = 0
    for batch in parquet.iter_batches(_ROWS_AT_A_TIME, columns=columns):
        unpacked += batch.nbytes  # more than is claimed where a page lists one image often
        check_unpacked(unpacked, packed, f"'{file}'")
        yield batch


def _columns(schema: Any) -> tuple[str | None, str | None]:
    """Return the image and the label column, None where there is none."""
    image = next((name for name in ("img", "image") if name in schema.names), None)
    label = next((name for name in ("fine_label", "label") if name in schema.names), None)
    return image, label


def _checked_columns(schema: Any, file: Path) -> tuple[str, str]:
    """Return the image and the label column, which are to have the right types."""
    import pyarrow as pa

    image, label = _columns(schema)
    if image is None or label is None:
        raise InputError(
            f"'{file}' must have a column 'img' or 'image' (bytes, path) and a column 'label' or "
            f"'fine_label', got {', '.join(schema.names)}"
        )
    kind = schema.field(image).type
    fields = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
    if not pa.types.is_binary(fields.get("bytes", kind)):
        raise InputError(f"'{file}', {image}, must be a struct (bytes, path), got {kind}")
    kind = schema.field(label).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not any(known(value) for known in (pa.types.is_primitive, pa.types.is_string)):
        raise InputError(f"'{file}', {label}, must be integers or strings, got {kind}")
    return image, label


def _labels(column: Any, file: Path) -> np.ndarray:
    if column.null_count:
        raise InputError(f"'{file}' must have a label in every row, got {column.null_count} null")
    labels = column.to_numpy(zero_copy_only=False)
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def _class_names(metadata: dict[bytes, bytes] | None, column: str, file: Path) -> list[str] | None:
    """Return the names that the Hugging Face metadata gives to the integers, if it does."""
    raw = (metadata or {}).get(b"huggingface")
    if raw is None:
        return None
    try:
        names = json.loads(raw)["info"]["features"][column].get("names")
        if not isinstance(names, list | None) or any(not isinstance(k, str) for k in names or ()):
            raise TypeError(names)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"'{file}': the 'huggingface' metadata must be JSON that describes the column "
            f"{column!r}, got {raw[:60]!r}"
        ) from error
    # The hub spells one class of CIFAR-100 "cra".
    mended = ["crab" if name == "cra" else name for name in names or ()]
    return mended if mended == list(CIFAR100.class_names) else names
