"""Tells which colour rules a picture, with an ONNX network: put your own `net.onnx` in its place."""

import numpy as np
import numpy.typing as npt
from inferq import Context, Model
from PIL import Image
from pydantic import BaseModel, Field

LABELS = ("red", "green", "blue")
SIZE = (32, 32)


class Params(BaseModel):
    """What a request may ask for."""

    top_k: int = Field(3, ge=1, le=3, description="Most labels returned.")


class Guess(BaseModel):
    """One line of a result."""

    label: str
    score: float


class Template(Model):
    """Tells which colour rules a picture."""

    labels = LABELS
    max_batch = 8

    def load(self, ctx: Context) -> None:
        """Called once. `ctx.onnx` runs a file of this folder, on what INFERQ_PROVIDERS says."""
        self.net = ctx.onnx("net.onnx")

    def preprocess(self, image: Image.Image, params: Params) -> npt.NDArray[np.float32]:
        """One picture as the network takes it: float32 `[3, height, width]`, 0 to 1."""
        pixels = np.asarray(image.resize(SIZE), np.float32) / np.float32(255)
        return pixels.transpose(2, 0, 1)

    def infer(self, inputs: list[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
        """The network's answers, one for each input, in their order."""
        return list(self.net.run({"image": np.stack(inputs)})["scores"])

    def postprocess(self, scores: npt.NDArray[np.float32], params: Params) -> list[Guess]:
        """The labels of one picture, best first."""
        ranked = sorted(zip(scores.tolist(), LABELS, strict=True), reverse=True)
        return [Guess(label=label, score=score) for score, label in ranked[: params.top_k]]
