"""Tells the species of an iris by four measures, with scikit-learn."""

from inferq import Context, Model
from pydantic import BaseModel, Field
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

SPECIES = ("setosa", "versicolor", "virginica")


class Flower(BaseModel):
    """The measures of a flower in centimetres."""

    sepal_length: float = Field(gt=0, le=20, examples=[5.1])
    sepal_width: float = Field(gt=0, le=20, examples=[3.5])
    petal_length: float = Field(gt=0, le=20, examples=[1.4])
    petal_width: float = Field(gt=0, le=20, examples=[0.2])

    def row(self) -> list[float]:
        """The measures as scikit-learn's data have them."""
        return [self.sepal_length, self.sepal_width, self.petal_length, self.petal_width]


class Guess(BaseModel):
    """One species and how probable it is."""

    label: str
    score: float


class Iris(Model):
    """Tells the species of an iris by four measures."""

    license = "Apache-2.0"
    labels = SPECIES
    max_batch = 256

    def load(self, ctx: Context) -> None:
        """Learns from the data that come with scikit-learn."""
        measures, species = load_iris(return_X_y=True)
        self.net = LogisticRegression(max_iter=1000).fit(measures, species)

    def infer(self, flowers: list[Flower]) -> list[list[Guess]]:
        """The species of each flower."""
        rows = self.net.predict_proba([flower.row() for flower in flowers])
        return [
            [Guess(label=name, score=score) for name, score in zip(SPECIES, row, strict=True)]
            for row in rows
        ]
