"""A canvas: rows of pixels of red, green and blue as numbers from 0 to 255, and what is done with all of it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from stepfun_emulator.errors import Refusal
from stepfun_emulator.pictures import encode_png

Canvas = NDArray[np.float32]
Shade = NDArray[np.float32]
_QUALITY = 92
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def decode(content: bytes, param: str) -> Image.Image:
    """Read a file whose format and size have been checked; transparency turns black.

    Raises:
        Refusal: It is broken.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP"))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            clear = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", clear.size, "black"), clear)
        return image.convert("RGB")
    except UnidentifiedImageError:  # its words hold an address in memory
        raise Refusal(400, "input_invalid", f"{param} is not a readable picture", param=param) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # by format and kind of damage
        raise Refusal(400, "input_invalid", f"{param} cannot be decoded: {error}", param=param) from None


def fitted(image: Image.Image, size: tuple[int, int]) -> Canvas:
    """A picture on a canvas of that size: scaled to cover it, what juts out cut off."""
    return canvas_of(image if image.size == size else ImageOps.fit(image, size, Image.Resampling.BILINEAR))


def canvas_of(image: Image.Image) -> Canvas:
    """A picture as a canvas."""
    canvas: Canvas = np.array(image, np.float32)
    return canvas


def image_of(canvas: Canvas) -> Image.Image:
    """A canvas as a picture."""
    return Image.fromarray(_bytes(canvas))


def as_png(canvas: Canvas) -> bytes:
    """A canvas as a file."""
    height, width, _ = canvas.shape
    return encode_png(width, height, _bytes(canvas).tobytes())


def as_jpeg(canvas: Canvas) -> bytes:
    """A canvas as a file."""
    file = io.BytesIO()
    image_of(canvas).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def mean_colour(content: bytes, param: str) -> Shade:
    """The mean colour of a file."""
    mean: Shade = np.asarray(decode(content, param).resize((1, 1), Image.Resampling.BOX), np.float32)[0, 0]
    return mean


def wash(canvas: Canvas, colour: Shade, share: float) -> None:
    """Lay so much (0 to 1) of a colour over everything."""
    canvas *= np.float32(1 - share)
    canvas += colour * np.float32(share)


def cover(part: Canvas, colour: Shade, coverage: Shade) -> None:
    """Paint a colour over a part of a canvas, so much of it at each pixel (0 to 1)."""
    part += (colour - part) * coverage[..., None]


def saturate(canvas: Canvas, by: float) -> None:
    """Draw the colours away from grey, or towards it where ``by`` is below 1."""
    grey = (canvas @ _LUMA)[..., None]
    canvas -= grey
    canvas *= np.float32(by)
    canvas += grey


def blurred(canvas: Canvas, radius: float) -> Canvas:
    """A canvas out of focus."""
    return canvas_of(image_of(canvas).filter(ImageFilter.GaussianBlur(radius)))


def _bytes(canvas: Canvas) -> NDArray[np.uint8]:
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
