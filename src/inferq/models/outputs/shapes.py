"""Whether a network's tensors have the shapes that its output format is made of."""

from inferq.errors import SetupError
from inferq.models.outputs.base import OutputFormat, Outputs


def check_shapes(output_format: OutputFormat, outputs: Outputs, *, pictures: int) -> None:
    """Compares the tensors of one run with the format's shapes.

    Args:
        output_format: The format that is to read them.
        outputs: Its tensors by our names.
        pictures: How many pictures the run was given.

    Raises:
        SetupError: One differs; the message names it with both shapes.
    """
    bound = {"N": pictures}
    for name, wanted in output_format.shapes.items():
        shape, axes = outputs[name].shape, wanted.split()
        if len(shape) != len(axes) or not all(
            _fits(axis, size, bound) for axis, size in zip(axes, shape, strict=True)
        ):
            letters = ", ".join(f"{letter} = {size}" for letter, size in bound.items())
            raise SetupError(
                f"its output {name!r} has the shape {list(shape)}, but must be"
                f" [{', '.join(axes)}] ({letters}). Correct output_format, [outputs] or [input] batch."
            )


def _fits(axis: str, size: int, bound: dict[str, int]) -> bool:
    """Whether an axis has the size that is written; a letter is bound to the first size it meets."""
    offset, plus, letter = axis.rpartition("+")
    if plus:
        size -= int(offset)
    if letter.isdigit():
        return size == int(letter)
    return size >= (1 if plus else 0) and bound.setdefault(letter, size) == size
