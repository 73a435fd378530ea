"""Images in files: folders of them, NumPy archives, and the decoding of each."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifar_sk.datasets.arrays import (
    Arrays,
    OpenedDataset,
    check_pixels,
)
from cifar_sk.datasets.labels import encode_labels, encode_test_labels
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Size", "decode_images", "encoded_size", "open_image_folder", "open_npz", "own_name"]

Size = tuple[int, int]

# The formats that are read, whatever a file is called. Pillow would read more, and start
# Ghostscript for one of them (EPS).
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")

_KNOWN_NAMES = re.compile(r"(cifar-?100?|digits)(-jpeg)?(-subset)?", re.IGNORECASE)


def own_name(path: Path, kind: str) -> str:
    """Name a data set after its file, but never as one whose content is known.

    Parameters
    ----------
    path : Path
        The file or folder.
    kind : str
        Distinguishes it from a known data set of that name.

    Returns
    -------
    str

    Examples
    --------
    >>> own_name(Path("pets.npz"), "npz"), own_name(Path("cifar10.npz"), "npz")
    ('pets', 'cifar10-npz')
    """
    stem = path.resolve().name if path.is_dir() else path.stem
    return f"{stem}-{kind}" if _KNOWN_NAMES.fullmatch(stem) else stem


def open_image_folder(path: Path, *, image_size: Size) -> OpenedDataset:
    """List a folder that has one sub-folder of images per class.

    Parameters
    ----------
    path : Path
        The folder. Files beside the sub-folders, and names that begin with a dot, are ignored.
    image_size : tuple of int
        Height and width, pixels, to which the images are resized.

    Returns
    -------
    OpenedDataset

    Raises
    ------
    InputError
        If there are fewer than two classes or one has no files.
    """
    classes = sorted(entry for entry in path.iterdir() if entry.is_dir() and _visible(entry))
    if len(classes) < 2:
        raise InputError(
            f"'{path}' must have a sub-folder of images for each of at least two classes, got "
            f"{len(classes)}"
        )
    files: list[Path] = []
    target: list[int] = []
    for label, folder in enumerate(classes):
        inside = sorted(entry for entry in folder.iterdir() if entry.is_file() and _visible(entry))
        if not inside:
            raise InputError(
                f"'{folder}' must hold images of its class, got none: remove it, or give the "
                "folder whose direct sub-folders are the classes"
            )
        files += inside
        target += [label] * len(inside)

    def draw(index: np.ndarray | None) -> np.ndarray:
        chosen = files if index is None else [files[k] for k in index]
        return decode_images(chosen, [f"'{file}'" for file in chosen], image_size)

    return OpenedDataset(
        name=own_name(path, "folder"),
        source=f"Image files, one sub-folder per class, read from {path.resolve().name}.",
        description=f"{len(files):,} image files, as RGB, {image_size[0]}×{image_size[1]} pixels.",
        target_names=[folder.name for folder in classes],
        target=np.array(target, dtype=np.int64),
        draw=draw,
    )


def _visible(entry: Path) -> bool:
    return not entry.name.startswith(".")


def open_npz(path: Path, *, test_split: bool) -> OpenedDataset:
    """Read `images` and `labels`, or `x_train`, `y_train`, `x_test` and `y_test`.

    Parameters
    ----------
    path : Path
        A NumPy archive; pickled objects in it are refused.
    test_split : bool
        Whether `x_test` and `y_test` are read, if they are there.

    Returns
    -------
    OpenedDataset

    Raises
    ------
    InputError
        If the arrays are missing, disagree, or are of another shape or dtype.
    """
    arrays = _npz_arrays(path, test_split)
    names = ("images", "labels") if "images" in arrays else ("x_train", "y_train")
    if not arrays.keys() >= set(names):
        raise InputError(
            f"'{path}' must hold 'images' and 'labels', or 'x_train' and 'y_train', got "
            f"{', '.join(sorted(arrays)) or 'nothing'}"
        )
    given = arrays["class_names"].astype(str).tolist() if "class_names" in arrays else None
    images = _npz_images(arrays, names, path)
    target, target_names = encode_labels(arrays[names[1]], given, f"'{path}', {names[1]}")
    test: Arrays | None = None
    if {"x_test", "y_test"} <= arrays.keys():
        test_images = _npz_images(arrays, ("x_test", "y_test"), path)
        test = (
            test_images,
            encode_test_labels(arrays["y_test"], arrays[names[1]], given, f"'{path}', y_test,"),
        )
    return OpenedDataset(
        name=own_name(path, "npz"),
        source=f"NumPy arrays, read from {path.name}.",
        description=f"{len(images):,} images from the arrays {' and '.join(names)}.",
        target_names=target_names,
        target=target,
        draw=lambda index: images if index is None else images[index],
        draw_test=(lambda: test) if test else None,
    )


def _npz_arrays(path: Path, test_split: bool) -> dict[str, np.ndarray]:
    wanted = {"images", "labels", "x_train", "y_train", "class_names"}
    wanted |= {"x_test", "y_test"} if test_split else set()
    try:
        # NumPy leaves a path open when what it holds is no archive; a file of ours is closed.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"'{path}' must be an .npz archive, got a single array")
            return {name: archive[name] for name in archive.files if name in wanted}
    except InputError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"'{path}' cannot be read as an .npz archive of plain arrays ({error}): save it with "
            "numpy.savez, without object arrays"
        ) from error


def _npz_images(arrays: dict[str, np.ndarray], names: tuple[str, str], path: Path) -> np.ndarray:
    images = check_pixels(arrays[names[0]], f"'{path}', {names[0]},")
    if len(images) != len(arrays[names[1]]):
        raise InputError(
            f"'{path}' must have one label per image, got {len(images)} in {names[0]} and "
            f"{len(arrays[names[1]])} in {names[1]}"
        )
    return images


def decode_images(
    encoded: Sequence[Path | bytes],
    where: Sequence[str],
    image_size: Size,
    *,
    resize: bool = True,
) -> np.ndarray:
    """Decode images, as RGB, into one array.

    Parameters
    ----------
    encoded : sequence of Path or of bytes
        Image files, or their contents.
    where : sequence of str
        How a message names each.
    image_size : tuple of int
        Height and width, pixels.
    resize : bool
        False refuses an image of another size.

    Returns
    -------
    ndarray of uint8, shape (n, *image_size, 3)

    Raises
    ------
    InputError
        Naming the first that cannot be read, and how many more.
    """
    images = np.empty((len(encoded), *image_size, 3), dtype=np.uint8)
    errors = []
    for k, item in enumerate(encoded):
        try:
            images[k] = _decode(item, image_size, resize=resize)
        except _unreadable() as error:
            errors.append(f"{where[k]} is no image that can be read ({str(error) or 'damaged'})")
    if errors:
        more = f", nor are {len(errors) - 1} more" if len(errors) > 1 else ""
        raise InputError(f"{errors[0]}{more}: remove or replace what is not an image")
    return images


def encoded_size(encoded: bytes, where: str) -> Size:
    """Return the height and width, pixels, of an encoded image.

    Parameters
    ----------
    encoded : bytes
        The contents of an image file.
    where : str
        How a message names it.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If it is no image.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            return image.height, image.width
    except _unreadable() as error:
        raise InputError(f"{where} is no image that can be read ({error})") from error


def _unreadable() -> tuple[type[Exception], ...]:
    """Return what Pillow raises for files that are damaged, foreign or absurdly large."""
    from PIL import Image

    return OSError, SyntaxError, ValueError, Image.DecompressionBombError


def _decode(item: Path | bytes, image_size: Size, *, resize: bool) -> np.ndarray:
    from PIL import Image

    height, width = image_size
    source = io.BytesIO(item) if isinstance(item, bytes) else item
    with Image.open(source, formats=FORMATS) as image:
        rgb = _as_rgb(image)
    if rgb.size != (width, height):
        if not resize:
            got = f"{rgb.height}×{rgb.width} pixels among images of {height}×{width}"
            raise ValueError(f"{got}, give image_size to resize them")
        rgb = rgb.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(rgb)


def _as_rgb(image: Image) -> Image:
    """Convert any mode to RGB, upright, with the 16 bits of medical or depth images scaled."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16"):
        return Pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        raise ValueError(f"its 32-bit pixels (mode {image.mode}) have no fixed range")
    if "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns where a transparent palette skips this step
    return image.convert("RGB")
