"""Real photographs, and what a person sees on them.

They come with scikit-image: chelsea and coffee CC0, astronaut NASA (public domain).
"""

import io
from base64 import b64decode

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


# Flat quarters made with pillow-heif (pi-heif brings no encoder): 64 x 48, left half red, right half green above
# blue, with orientation 6.
TURNED_HEIC = b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAH0AAgAAAAACaQABAAAAAAAAACQAAAA4aWlu"
    "ZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAB"
    "B2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkA"
    "AAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAA"
    "AAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAa"
    "aXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAKltZGF0AAAAeSgBrwngOSMkv//6Mb//+EaeQ/a5WHKOuPHyQz/9NDZ+"
    "NQwv9Vc8H/BVUPCQ7+Whb0qMkS1C9QKAgoW1wnVZz4ePpcSB331U8wekBrl8zo82935Tx66JMavMI8FZEw/i+/79"
    "MyHAY6EumRnAP+1zCRvq0Fh0K7Mu4fgAAAAGRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA="
)
