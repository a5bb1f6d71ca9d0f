"""Makes a vector of a picture that is near for pictures whose colours are laid out alike."""

import numpy as np
import numpy.typing as npt
from inferq import Model
from PIL import Image
from pydantic import BaseModel
from scipy.fft import dctn

GRID = 8
KEPT = 4
"""Of the grid's frequencies in each direction, the lowest."""
CHANNEL_WEIGHTS = (1.0, 2.0, 2.0)
"""Brightness and the two colours; a change of colour is seen as larger than one of light."""


class Embedding(BaseModel):
    """A direction: the scalar product of two says how alike their pictures are, from -1 to 1."""

    vector: list[float]


class Likeness(Model):
    """Makes vectors that are near for pictures that look alike."""

    license = "Apache-2.0"
    max_batch = 32

    def preprocess(self, image: Image.Image) -> npt.NDArray[np.float64]:
        """A picture's mean colours on a grid; float64 `[3, 8, 8]`."""
        small = image.resize((GRID, GRID), Image.Resampling.BOX).convert("YCbCr")
        return (np.asarray(small, np.float64) - 128).transpose(2, 0, 1)

    def infer(self, grids: list[npt.NDArray[np.float64]]) -> list[Embedding]:
        """The lowest frequencies of each grid, as one direction."""
        spectra = dctn(np.stack(grids), axes=(2, 3), norm="ortho")[:, :, :KEPT, :KEPT]
        spectra[:, 0, 0, 0] = 0  # how light a picture is as a whole does not count
        weighted = spectra * np.array(CHANNEL_WEIGHTS)[:, None, None]
        vectors = weighted.reshape(len(grids), -1)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return [Embedding(vector=vector) for vector in (vectors / lengths).tolist()]
