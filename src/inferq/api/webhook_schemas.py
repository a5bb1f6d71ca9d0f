"""The documents of webhooks."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from inferq.api.schemas import Body
from inferq.predictions.deliveries import Delivery, DeliveryState, Secrets

DAY_SECONDS = 24 * 3600


class DeliveryQuery(BaseModel):
    """A page of the delivery log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: DeliveryState | None = Field(None, description="Only those that stand so.")
    limit: int = Field(50, ge=1, le=200, description="Most deliveries of the page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


class DeliveryPage(BaseModel):
    """Some deliveries, newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Delivery, ...]
    next_cursor: str | None = Field(
        description="Gives the next page; null on the last one. A page may be short though more follow."
    )


class DisabledUrl(BaseModel):
    """A URL that answered 410 and is not sent to any more."""

    model_config = ConfigDict(frozen=True)

    url: str
    disabled_at: datetime


class DisabledUrls(BaseModel):
    """All URLs that are not sent to any more."""

    model_config = ConfigDict(frozen=True)

    items: tuple[DisabledUrl, ...]


class Enabling(Body):
    """Which URL is to be sent to again."""

    url: str = Field(description="As the list of disabled URLs has it.")


class Rotation(Body):
    """How a secret is replaced."""

    overlap_seconds: int = Field(
        DAY_SECONDS,
        strict=True,
        ge=0,
        le=30 * DAY_SECONDS,
        description="How long deliveries are signed with the old secret as well.",
    )

    @property
    def overlap(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.overlap_seconds)


class SigningSecret(BaseModel):
    """What the caller's deliveries are signed with."""

    model_config = ConfigDict(frozen=True)

    secret: str = Field(description="`whsec_` and the key in Base64, as Standard Webhooks has it.")
    previous: str | None = Field(description="The secret before, while it is valid, too.")
    previous_valid_until: datetime | None

    @classmethod
    def of(cls, secrets: Secrets) -> "SigningSecret":
        """As clients see them."""
        return cls(
            secret=secrets.current,
            previous=secrets.previous,
            previous_valid_until=secrets.previous_valid_until,
        )
