"""Signatures as the Standard Webhooks specification has them, so that any of its libraries can verify them."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """A secret: `whsec_` and 32 random bytes in Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    body: bytes, *, webhook_id: str, at: datetime, secrets: Sequence[str]
) -> dict[str, str]:
    """The headers of one attempt.

    Args:
        body: What is sent, as it is sent.
        webhook_id: Names the delivery; the same on every attempt.
        at: When this attempt is made.
        secrets: Each gives one signature; any of them is enough for whoever verifies.
    """
    text = body.decode()
    signatures = (Webhook(secret).sign(webhook_id, at, text) for secret in secrets)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
