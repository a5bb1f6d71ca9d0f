"""Submit 100 photographs as one batch, follow them as they finish, cancel the last ten, export the rest.

Run: python follow.py FOLDER [URL]; it writes batch.coco.json.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from uuid import uuid4

from inferq import Client
from inferq.errors import AlreadyFinished

photos = [*islice(cycle(sorted(Path(sys.argv[1]).glob("*.jpg"))), 100)]
batch = f"tutorial-{uuid4().hex[:8]}"

with Client(sys.argv[2] if len(sys.argv) > 2 else None) as client, ThreadPoolExecutor(8) as crowd:
    submitted = [*crowd.map(lambda photo: client.submit(photo, batch=batch), photos)]
    for handle in submitted[-10:]:
        try:
            handle.cancel()
        except AlreadyFinished as too_late:
            print(handle.task_id, too_late)

    unfinished: set[str] = set()
    for event in client.events(batch=batch):
        for prediction in event.predictions:
            if prediction.state.is_terminal:
                unfinished.discard(prediction.task_id)
                print(prediction.input.filename, prediction.state, prediction.error or "")
            else:
                unfinished.add(prediction.task_id)
        if event.kind == "snapshot" and event.complete:
            print(len(unfinished), "to follow")
        if event.complete and not unfinished:
            break

    client.export("batch.coco.json", "coco", batch=batch)
