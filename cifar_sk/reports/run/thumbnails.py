"""Small pictures for a page that holds everything it shows."""

from __future__ import annotations

import base64
import io

import numpy as np

__all__ = ["Thumbnails"]

_MAX_SIDE = 64  # pixels
_MAX_PIXELATED = 32  # larger ones look better smoothed
_QUALITY = 85


class Thumbnails:
    """Encodes images when they are asked for, each once.

    A picture is WebP, which for 32×32 pixels takes a third of what PNG takes and has no header
    to speak of; JPEG where Pillow was built without WebP. `is_pixelated` says that images are so
    small that their pixels should stay visible when enlarged.
    """

    def __init__(self, images: np.ndarray) -> None:
        from PIL import features

        self._images = images
        self._encoded: dict[int, str] = {}
        self._format = "WEBP" if features.check("webp") else "JPEG"
        self.mime = f"image/{self._format.lower()}"
        self.is_pixelated = max(np.shape(images)[1:3]) <= _MAX_PIXELATED

    def base64(self, sample: int) -> str:
        """Return the picture of a sample as text; the same image gives the same text."""
        if sample not in self._encoded:
            self._encoded[sample] = self._encode(np.asarray(self._images[sample]))
        return self._encoded[sample]

    def url(self, sample: int) -> str:
        """Return the picture of a sample as a data URL."""
        return f"data:{self.mime};base64,{self.base64(sample)}"

    def _encode(self, image: np.ndarray) -> str:
        from PIL import Image

        if image.dtype != np.uint8:  # NaN has no uint8
            image = np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8)
        image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
        has_opacity = image.ndim == 3 and image.shape[-1] == 4 and self._format == "WEBP"
        picture = Image.fromarray(image).convert("RGBA" if has_opacity else "RGB")
        picture.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        picture.save(buffer, self._format, quality=_QUALITY)
        return base64.b64encode(buffer.getvalue()).decode("ascii")
