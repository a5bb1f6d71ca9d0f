"""Which receiver a new prediction gets."""

from inferq.accounts.account import Credential
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

    def url_for(self, credential: Credential, given: str | None) -> str | None:
        """The receiver of a prediction, in the form that is stored; None for none.

        Args:
            credential: What it is sent with.
            given: What the request says: a URL, the empty text for none at all, or None for the default.

        Raises:
            InvalidParameter: No URL, or one that is not sent to.
        """
        return self.default_for(credential) if given is None else self.checked(given) or None

    def default_for(self, credential: Credential) -> str | None:
        """The receiver of predictions that name none: the credential's own, or else the deployment's."""
        own = credential.callback_url
        return self._default if own is None else own or None

    def checked(self, url: str) -> str:
        """A receiver's URL in the form that is stored; the empty text, which names nobody, stays as it is.

        Raises:
            InvalidParameter: No URL, or one that is not sent to.
        """
        try:
            return str(self._rules.read(url)) if url else ""
        except Refused as error:
            raise InvalidParameter.of("callback_url", str(error)) from error
