"""The Python clients: submit an input, wait for its result without polling.

from inferq import Client

with Client() as client:
    prediction = client.predict("photo.jpg")
    for detection in prediction.result.detections:
        print(detection.label, detection.score, detection.box)

`AsyncClient` has the same calls as coroutines.
"""

from inferq.client.async_client import AsyncClient, AsyncPredictionHandle
from inferq.client.events import Event
from inferq.client.mapping import Outcome
from inferq.client.sync_client import Client, PredictionHandle

__all__ = [
    "AsyncClient",
    "AsyncPredictionHandle",
    "Client",
    "Event",
    "Outcome",
    "PredictionHandle",
]
