"""What a process that serves or repairs predictions works with; made once, connected on first use."""

from dataclasses import dataclass

import redis

from inferq.models.draining import Draining
from inferq.models.register import ModelRegister
from inferq.predictions.deliveries import Deliveries
from inferq.predictions.queues import Queues
from inferq.predictions.repairs import Repairs
from inferq.predictions.store import Limits, Policy, PredictionStore
from inferq.queue import Publisher
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage
from inferq.webhooks.receivers import Rules


@dataclass(frozen=True, slots=True)
class Parts:
    """State store, broker and storage of this process, each behind the class that knows it."""

    settings: Settings
    client: redis.Redis
    store: PredictionStore
    queues: Queues
    repairs: Repairs
    deliveries: Deliveries
    register: ModelRegister
    draining: Draining
    storage: Storage
    publisher: Publisher
    policy: Policy
    rules: Rules

    @classmethod
    def create(cls, settings: Settings) -> "Parts":
        """Connects to nothing yet.

        Raises:
            SetupError: A setting is missing.
        """
        client = connect(settings.state_url())
        repairs = Repairs(client)
        limits = Limits(settings.queue_timeout, settings.max_queued, settings.max_in_flight)
        return cls(
            settings=settings,
            client=client,
            store=PredictionStore(client, limits),
            queues=Queues(client),
            repairs=repairs,
            deliveries=Deliveries(client),
            register=ModelRegister(client),
            draining=Draining(client),
            storage=Storage.of(settings),
            publisher=Publisher(settings.queue_url(), repairs),
            policy=Policy(settings.max_attempts, settings.retention),
            rules=Rules.of(settings),
        )
