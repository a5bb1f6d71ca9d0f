"""Tells brick, grass and gravel apart by their texture, with scikit-learn."""

import numpy as np
import numpy.typing as npt
from inferq import Context, Model
from PIL import Image
from pydantic import BaseModel, Field
from skimage import data
from skimage.feature import local_binary_pattern
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LABELS = ("brick", "grass", "gravel")
NEIGHBOURS = ((8, 1), (16, 2), (16, 4))
"""Points, and their distance in pixels, that a pixel is compared with."""
PATCH, STEP = 128, 32
SEEN = 256
"""Most pixels of a side that are looked at, in the middle of a picture."""
TRAINED_ON = 0.7
"""Share of each photograph, from its left edge, that is looked at; what is beyond was never seen."""

Features = npt.NDArray[np.float64]


class Params(BaseModel):
    """What a request may ask for."""

    top_k: int = Field(3, ge=1, le=3, description="Most labels returned.")


class Guess(BaseModel):
    """One label and how probable it is."""

    label: str
    score: float


class Textures(Model):
    """Tells brick, grass and gravel apart by their texture."""

    license = "Apache-2.0"
    labels = LABELS
    max_batch = 32

    def load(self, ctx: Context) -> None:
        """Learns from the photographs that come with scikit-image; it takes a second."""
        patches = [(label, patch) for label in LABELS for patch in _patches(getattr(data, label)())]
        self.net = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        self.net.fit([features(patch) for _, patch in patches], [label for label, _ in patches])

    def preprocess(self, image: Image.Image) -> Features:
        """How the pixels of a picture's middle relate to their neighbours; float64 `[46]`."""
        left, top = ((side - min(side, SEEN)) // 2 for side in image.size)
        middle = image.crop(
            (left, top, left + min(image.width, SEEN), top + min(image.height, SEEN))
        )
        return features(np.asarray(middle.convert("L")))

    def infer(self, inputs: list[Features], params: list[Params]) -> list[list[Guess]]:
        """The labels of each picture, best first."""
        rows = self.net.predict_proba(np.stack(inputs))
        return [self.rank(row)[: p.top_k] for row, p in zip(rows, params, strict=True)]

    def rank(self, row: Features) -> list[Guess]:
        """All labels with their probabilities, best first."""
        guesses = [Guess(label=k, score=p) for k, p in zip(self.net.classes_, row, strict=True)]
        return sorted(guesses, key=lambda guess: -guess.score)


def features(levels: npt.NDArray[np.uint8]) -> Features:
    """Histograms of local binary patterns of grey levels `[height, width]`."""
    histograms = []
    for points, radius in NEIGHBOURS:
        codes = local_binary_pattern(levels, points, radius, "uniform")
        counts = np.bincount(codes.astype(int).ravel(), minlength=points + 2)
        histograms.append(counts / codes.size)
    return np.concatenate(histograms)


def _patches(levels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    height, width = levels.shape[0], int(levels.shape[1] * TRAINED_ON)
    return [
        levels[top : top + PATCH, left : left + PATCH]
        for top in range(0, height - PATCH + 1, STEP)
        for left in range(0, width - PATCH + 1, STEP)
    ]
