"""Tells light pictures from dark ones: put your own network in its place."""

from inferq import Context, Model
from PIL import Image, ImageStat
from pydantic import BaseModel, Field


class Params(BaseModel):
    """What a request may ask for."""

    top_k: int = Field(2, ge=1, le=2, description="Most labels returned.")


class Guess(BaseModel):
    """One line of a result."""

    label: str
    score: float


class Template(Model):
    """Tells light pictures from dark ones."""

    labels = ("light", "dark")

    def load(self, ctx: Context) -> None:
        """Called once. What you put beside this file is in `ctx.folder`."""
        self.white = 255.0

    def infer(self, images: list[Image.Image], params: list[Params]) -> list[list[Guess]]:
        """One result for each picture, in their order."""
        return [self.rank(image)[: p.top_k] for image, p in zip(images, params, strict=True)]

    def rank(self, image: Image.Image) -> list[Guess]:
        """The labels of a picture, best first."""
        (brightness,) = ImageStat.Stat(image.convert("L")).mean
        light = brightness / self.white
        guesses = [Guess(label="light", score=light), Guess(label="dark", score=1 - light)]
        return sorted(guesses, key=lambda guess: -guess.score)
