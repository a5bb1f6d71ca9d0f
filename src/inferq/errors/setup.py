"""Wrong configuration or usage of a command; never leaves through HTTP."""

from inferq.errors.base import SetupError


class WrongWeights(SetupError):
    """A model's weights are not the file that its card names.

    Fetch the weights again, or write their checksum into the card if they were changed on purpose.
    """

    code = "wrong_weights"
    title = "Wrong model weights"
