"""Which receiver a new prediction gets."""

from inferq.errors import InvalidParameter, SetupError
from inferq.webhooks.receivers import Refused, Rules


class Callbacks:
    """Checks the receivers that requests name, and knows that of those which name none."""

    def __init__(self, rules: Rules, default: str | None) -> None:
        """Takes the deployment's default.

        Raises:
            SetupError: The default is no receiver.
        """
        self._rules = rules
        try:
            self._default = None if default is None else str(rules.read(default))
        except Refused as error:
            raise SetupError(f"INFERQ_WEBHOOK_URL: {error}.") from error

    def url_for(self, owner: str, given: str | None) -> str | None:
        """The receiver of an owner's prediction, in the form that is stored; None for none.

        Args:
            owner: Whose prediction it is.
            given: What the request says: a URL, the empty text for none at all, or None for the default.

        Raises:
            InvalidParameter: No URL, or one that is not sent to.
        """
        if given is None:
            return self.default_for(owner)
        if not given:
            return None
        try:
            return str(self._rules.read(given))
        except Refused as error:
            raise InvalidParameter.of("callback_url", str(error)) from error

    def default_for(self, owner: str) -> str | None:  # noqa: ARG002 - every owner has the deployment's, as yet
        """The receiver of an owner's predictions that name none."""
        return self._default
