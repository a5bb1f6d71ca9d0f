"""Acknowledgements that notice a lost connection."""

from celery.utils.log import get_logger
from celery.worker.request import Request
from typing_extensions import override

logger = get_logger(__name__)


class AcknowledgingRequest(Request):
    """A message that is being worked on.

    Celery swallows the error of an acknowledgement that fails. On Redis that can be the only sign of a lost
    connection: while every slot is taken kombu does not poll its socket, and the credit of a message whose
    acknowledgement failed never comes back, so that the worker waits for ever (celery#10302 and others).
    """

    @override
    def acknowledge(self) -> None:
        """Has the consumer's loop acknowledge the message; called by the thread that ran it."""
        if self.acknowledged:
            return
        # An error that is not swallowed ends the loop, and Celery connects anew. Once it has done so, the message
        # belongs to a connection that is gone: the broker delivers it again, and the claim finds nothing to do.
        # RabbitMQ's channels have no such mark, and its socket is always polled.
        connection_gone = getattr(self.message.channel, "closed", True)
        self.on_ack(logger, self.connection_errors if connection_gone else ())
        self.acknowledged = True
