"""The functions that load a data set, each returning the same kind of Bunch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from cifar_sk.datasets.arrays import (
    OpenedDataset,
    data_fingerprint,
    resize_images,
    stratified_subset,
)
from cifar_sk.datasets.digits import open_digits
from cifar_sk.datasets.home import find_lossless
from cifar_sk.datasets.image_folder import open_image_folder
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100
from cifar_sk.datasets.lookup import open_dataset, open_default
from cifar_sk.datasets.npz import open_npz
from cifar_sk.datasets.parquet import open_parquet
from cifar_sk.errors import InputError, printable

__all__ = [
    "fetch_cifar10",
    "fetch_cifar100",
    "load_dataset",
    "load_digits32",
    "load_image_folder",
    "load_npz",
    "load_parquet",
]

PathLike = str | os.PathLike[str]


def fetch_cifar10(
    data_home: PathLike | None = None, *, test_split: bool = False, download: bool = True
) -> Bunch:
    """Return CIFAR-10 [1]_, exact to the pixel.

    The data home is searched first: the folder itself and its direct sub-folders, for the
    canonical ``cifar-10-batches-py``, for ``cifar-10-python.tar.gz`` (its MD5 is verified), and
    for Parquet files of the Hugging Face hub. Then come the Keras cache and a download into it.
    A copy with fewer images will do, and is named "cifar10-subset"; JPEG copies will not: they
    are ``load_dataset("cifar10-jpeg")``.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder; None takes the environment variable ``CIFAR_SK_DATA``.
    test_split : bool, default=False
        Whether the 10,000 test images are read as well.
    download : bool, default=True
        Whether a download (170 MB) is tried.

    Returns
    -------
    Bunch
        See the module; images are uint8 (50000, 32, 32, 3).

    Raises
    ------
    InputError
        If it is nowhere to be had, or the copy is broken; the message says what to do.

    References
    ----------
    .. [1] A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.
       Technical report, University of Toronto.
       https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf

    Examples
    --------
    >>> fetch_cifar10("my/data").images.shape  # doctest: +SKIP
    (50000, 32, 32, 3)
    """
    return _bunch(find_lossless(CIFAR10, data_home, test_split, download))


def fetch_cifar100(
    data_home: PathLike | None = None, *, test_split: bool = False, download: bool = True
) -> Bunch:
    """Return CIFAR-100 [1]_ with its 100 fine labels.

    It is looked for as `fetch_cifar10` looks for CIFAR-10: ``cifar-100-python``,
    ``cifar-100-python.tar.gz``, Parquet files.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder; None takes the environment variable ``CIFAR_SK_DATA``.
    test_split : bool, default=False
        Whether the 10,000 test images are read as well.
    download : bool, default=True
        Whether a download (169 MB) is tried.

    Returns
    -------
    Bunch
        See the module; images are uint8 (50000, 32, 32, 3).

    Raises
    ------
    InputError
        If it is nowhere to be had, or the copy is broken; the message says what to do.

    References
    ----------
    .. [1] A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.
       Technical report, University of Toronto.
       https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf

    Examples
    --------
    >>> len(fetch_cifar100("my/data").target_names)  # doctest: +SKIP
    100
    """
    return _bunch(find_lossless(CIFAR100, data_home, test_split, download))


def load_digits32() -> Bunch:
    """Return scikit-learn's 1,797 handwritten digits, drawn at 32×32 in grey RGB.

    The embedded data set: it needs no file and no network. Each of the 8×8 pixels, 0 to 16, is
    repeated 4×4 times and scaled to 0 to 255.

    Returns
    -------
    Bunch
        See the module; images are uint8 (1797, 32, 32, 3).

    Examples
    --------
    >>> digits = load_digits32()
    >>> digits.images.shape, digits.target_names[:3]
    ((1797, 32, 32, 3), ['0', '1', '2'])
    """
    return _bunch(open_digits())


def load_image_folder(path: PathLike, *, image_size: tuple[int, int] = (32, 32)) -> Bunch:
    """Read a folder with a sub-folder of images for each class.

    Parameters
    ----------
    path : path-like
        The folder. Its sub-folders' names are the classes'. Files beside the sub-folders, names
        that begin with a dot, ``Thumbs.db`` and ``desktop.ini`` are ignored; any other file must
        be an image. Links are followed, also out of the folder, which ``source`` then says.
    image_size : (int, int), default=(32, 32)
        Height and width, pixels, to which each image is resized; the aspect ratio gives way.

    Returns
    -------
    Bunch
        See the module; images are uint8 (n, *image_size, 3), converted to RGB.

    Raises
    ------
    InputError
        If there are fewer than two classes, one is empty, a file is no image, a link leads
        nowhere, or the images unpack to over 200 times their size and 1 GiB.

    Examples
    --------
    >>> load_image_folder("pets").target_names  # doctest: +SKIP
    ['cat', 'dog']
    """
    size = _checked_size(image_size)
    return _bunch(open_image_folder(_existing(path, folder=True), image_size=size))


def load_npz(path: PathLike, *, test_split: bool = False) -> Bunch:
    """Read a NumPy archive of images and labels.

    Parameters
    ----------
    path : path-like
        Holds ``images`` and ``labels``, or ``x_train`` and ``y_train`` (and ``x_test`` and
        ``y_test``); images are uint8, (n, h, w, c) or (n, h, w), labels integers or strings.
        ``class_names``, if there, names the integers in order.
    test_split : bool, default=False
        Whether ``x_test`` and ``y_test`` are read.

    Returns
    -------
    Bunch
        See the module.

    Raises
    ------
    InputError
        If the file is damaged, two classes have one name, or an array is missing, disagrees, or
        has another dtype or shape.

    Examples
    --------
    >>> load_npz("pets.npz").images.dtype  # doctest: +SKIP
    dtype('uint8')
    """
    return _bunch(open_npz(_existing(path, folder=False), test_split=test_split))


def load_parquet(path: PathLike, *, test_split: bool = False) -> Bunch:
    """Read Parquet files in the schema that image data sets have on the Hugging Face hub.

    Parameters
    ----------
    path : path-like
        A file, or a folder of ``train-*.parquet`` and ``test-*.parquet``. The columns are
        ``img`` or ``image`` (bytes, path) and ``label`` or ``fine_label``; the class names stand
        in the file's ``huggingface`` metadata.
    test_split : bool, default=False
        Whether the folder's test files are read.

    Returns
    -------
    Bunch
        See the module; images are uint8 (n, h, w, 3). The name is "cifar10" only if no image is
        a JPEG.

    Raises
    ------
    InputError
        If a file cannot be read, has another schema, images differ in size, two classes have one
        name, or the file unpacks to over 200 times its size and 1 GiB.

    Examples
    --------
    >>> load_parquet("my/data/cifar10-jpeg").name  # doctest: +SKIP
    'cifar10-jpeg'
    """
    return _bunch(open_parquet(_existing(path), test_split=test_split))


def load_dataset(
    name_or_path: PathLike | None = None,
    *,
    data_home: PathLike | None = None,
    image_size: tuple[int, int] | None = None,
    limit: int | None = None,
    random_state: int = 0,
    test_split: bool = False,
) -> Bunch:
    """Return a data set by name or path; by default the best CIFAR-10 at hand.

    ===================== ======================================================================
    None                  CIFAR-10: of the copies in the data home the one with the most images,
                          and of equals the lossless one; else the Keras cache; else a download;
                          and if there is none, the digits, with `fallback` saying so
    ``"cifar10"``         lossless CIFAR-10 as in `fetch_cifar10`: of several copies the largest,
                          which may be a subset, but never JPEG
    ``"cifar10-jpeg"``    CIFAR-10 from Parquet files of JPEG images in the data home
    ``"cifar100"``        `fetch_cifar100`
    ``"digits"``          `load_digits32`
    a path                a folder of CIFAR batches, its archive, a Parquet file or folder, an
                          .npz file, a folder of image folders, or what another package's
                          `reader` reads: what is there decides
    ===================== ======================================================================

    By default 50,000 JPEG images thus win over a small lossless subset, because an evaluation
    suffers more from a tenth of the data than from slight losses; either way `name` says which
    it is. Whoever names a data set gets it or an error, and a broken copy is an error always.

    Parameters
    ----------
    name_or_path : path-like, default=None
        A name of the table, or else a path (``./digits`` is a path, ``digits`` a name).
    data_home : path-like, default=None
        Where CIFAR is looked for; None takes the environment variable ``CIFAR_SK_DATA``.
    image_size : (int, int), default=None
        Height and width, pixels, to which images are resized. None keeps their size, or takes
        (32, 32) for folders of images.
    limit : int, default=None
        Size of a stratified random subset, kept in the original order; None, or a number that
        is not below the number of images, keeps all. The test split is kept whole.
    random_state : int, default=0
        Seed of the subset.
    test_split : bool, default=False
        Whether the official test split is read, where there is one.

    Returns
    -------
    Bunch
        See the module; the fingerprint is that of the subset.

    Raises
    ------
    InputError
        If the data set is unknown, nowhere to be had, or broken.

    Examples
    --------
    >>> digits = load_dataset("digits", limit=100)
    >>> digits.images.shape, digits.name
    ((100, 32, 32, 3), 'digits')
    """
    size = None if image_size is None else _checked_size(image_size)
    fallback = None
    if name_or_path is None:
        opened, fallback = open_default(data_home, test_split)
    else:
        opened = open_dataset(
            name_or_path, data_home=data_home, image_size=size, test_split=test_split
        )
    return _bunch(opened, image_size=size, limit=limit, seed=random_state, fallback=fallback)


def _existing(path: PathLike, *, folder: bool | None = None) -> Path:
    """Return a path that exists and, if it matters, is a folder or is a file."""
    found = Path(path).expanduser()
    fits = {None: found.exists(), True: found.is_dir(), False: found.is_file()}
    if not fits[folder]:
        kind = {None: "file or folder", True: "folder", False: "file"}[folder]
        raise InputError(f"path must be an existing {kind}, got '{found}'")
    return found


def _checked_size(image_size: tuple[int, int]) -> tuple[int, int]:
    size = tuple(image_size) if isinstance(image_size, tuple | list) else ()
    if len(size) != 2 or not all(isinstance(k, int | np.integer) and k > 0 for k in size):
        raise InputError(
            f"image_size must be two positive integers (height, width), got {image_size!r}"
        )
    return int(size[0]), int(size[1])


def _bunch(
    opened: OpenedDataset,
    *,
    image_size: tuple[int, int] | None = None,
    limit: int | None = None,
    seed: int = 0,
    fallback: str | None = None,
) -> Bunch:
    """Draw the images, all or a subset, and describe what was done."""
    index, source = _subset(opened, limit, seed)
    name, source = printable(opened.name), printable(source)
    images = opened.draw(index)
    test_images, test_target = opened.draw_test() if opened.draw_test else (None, None)
    if image_size is not None:
        images = resize_images(images, image_size)
        test_images = None if test_images is None else resize_images(test_images, image_size)
        source += f" At {image_size[0]}×{image_size[1]} pixels."
    target = opened.target if index is None else opened.target[index]
    return Bunch(
        images=images,
        target=target,
        target_names=opened.target_names,
        name=name,
        source=source,
        fingerprint=data_fingerprint(images, target, opened.target_names),
        DESCR=f"{name}: {opened.description} {source}",
        test_images=test_images,
        test_target=test_target,
        fallback=fallback,
    )


def _subset(opened: OpenedDataset, limit: int | None, seed: int) -> tuple[np.ndarray | None, str]:
    """Return the indices of the subset, None for all images, and the source that says so."""
    n = len(opened.target)
    if limit is not None and (not isinstance(limit, int | np.integer) or limit < 1):
        raise InputError(f"limit must be a positive integer or None, got {limit!r}")
    if limit is None or limit >= n:
        return None, opened.source
    index = stratified_subset(opened.target, int(limit), seed)
    note = f" A stratified subset of {limit:,} of its {n:,} images (random_state={seed})."
    return index, opened.source + note
