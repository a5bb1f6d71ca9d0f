"""Tells the language of a text, with py3langid (BSD-3-Clause)."""

from inferq import Context, File, Model
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from pydantic import BaseModel, Field


class Params(BaseModel):
    """What a request may ask for."""

    top_k: int = Field(1, ge=1, le=10, description="Most languages returned.")


class Guess(BaseModel):
    """One language, by its ISO 639 code, and how probable it is."""

    label: str
    score: float


class Languages(Model):
    """Tells the language of a text."""

    license = "BSD-3-Clause"
    media_types = ("text/plain",)

    def load(self, ctx: Context) -> None:
        """Loads the model that comes with the package."""
        self.identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def preprocess(self, file: File, params: Params) -> str:
        """The text of a file in UTF-8; what is none is passed over."""
        return file.decode(errors="ignore")

    def infer(self, texts: list[str], params: list[Params]) -> list[list[Guess]]:
        """The likeliest languages of each text, best first."""
        return [
            [Guess(label=k, score=p) for k, p in self.identifier.rank(text)[: each.top_k]]
            for text, each in zip(texts, params, strict=True)
        ]

    def sample(self) -> bytes:
        """A text to warm up with."""
        return b"The quick brown fox jumps over the lazy dog."
