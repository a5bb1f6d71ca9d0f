"""Real photographs, and what a person sees on them.

They come with scikit-image: chelsea and coffee CC0, astronaut NASA (public domain).
"""

import io

import numpy as np
from PIL import Image
from skimage import data

from inferq.predictions.record import Box

# Boxes were drawn by eye on the pictures with a grid laid over them, not copied from the model's answer.
PHOTOS: dict[str, tuple[str, Box, str]] = {
    "chelsea": (
        "cat",
        Box(x_min=0, y_min=0, x_max=395, y_max=300),
        "a tabby's face and shoulder fill the picture from its left edge to the tip of the right ear",
    ),
    "coffee": (
        "cup",
        Box(x_min=172, y_min=17, x_max=408, y_max=305),
        "an espresso cup from its white rim down to its handle; the saucer is not part of it",
    ),
    "astronaut": (
        "person",
        Box(x_min=22, y_min=15, x_max=362, y_max=512),
        "a woman in an orange suit from her hair to below the chest; the helmet beside her is not part of her",
    ),
}


def pixels(name: str) -> np.ndarray:
    """A photograph as uint8 `[height, width, 3]`."""
    return getattr(data, name)()


def jpeg(name: str) -> bytes:
    """A photograph as a JPEG file."""
    return encoded(Image.fromarray(pixels(name)), "JPEG", quality=92)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """A picture as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
