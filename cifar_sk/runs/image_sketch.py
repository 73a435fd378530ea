"""A small file's worth of a data set, by which another one can tell how many images they share.

Of the hashes of all different images the smallest 1,024 are kept (a bottom-k sketch), which are a
simple random sample of the images. The share of them that another data set holds estimates the
share of all images, with a standard error of at most 0.016; sets of up to 1,024 images are kept
whole, and their share is exact.

References
----------
Broder, A. Z. (1997). On the resemblance and containment of documents. Proceedings of Compression
and Complexity of SEQUENCES. https://doi.org/10.1109/SEQUEN.1997.666900
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.runs.fingerprints import image_hashes

__all__ = ["ImageSketch"]

_SIZE = 1024


@dataclass(frozen=True, eq=False)
class ImageSketch:
    """How many different images there are, and the smallest hashes of them, ascending uint64."""

    n_images: int
    hashes: np.ndarray

    @classmethod
    def of(cls, X: Any) -> Self:
        """Sketch images, or samples of any other kind."""
        hashes = np.unique(image_hashes(X))
        return cls(len(hashes), hashes[:_SIZE])

    def share_in(self, hashes: np.ndarray) -> float:
        """Estimate the share of these images that a data set of such `image_hashes` holds."""
        return float(np.isin(self.hashes, hashes).mean())

    def to_json(self) -> dict[str, Any]:
        """Return what a JSON file keeps: the number, and the hashes in base64."""
        text = base64.b64encode(self.hashes.astype("<u8").tobytes()).decode("ascii")
        return {"n_images": self.n_images, "smallest_hashes": text}

    @classmethod
    def from_json(cls, said: Any, where: str) -> Self:
        """Read what `to_json` returned; `where` names it in the `InputError` if it is no such."""
        try:
            n_images, text = int(said["n_images"]), said["smallest_hashes"]
            hashes = np.frombuffer(base64.b64decode(text, validate=True), "<u8").astype(np.uint64)
        except (TypeError, KeyError, ValueError, OverflowError, binascii.Error) as error:
            raise InputError(f"{where} must be as a study wrote it; leave it away.") from error
        if len(hashes) != min(n_images, _SIZE) or n_images < 1:
            raise InputError(
                f"{where} must hold the hashes of {_SIZE:,} images, or of all if there are fewer, "
                f"got {len(hashes):,} of {n_images:,}; leave it away."
            )
        return cls(n_images, hashes)
