"""A record as the hash that the state store holds: text fields, times in microseconds of its clock."""

from collections.abc import Mapping
from datetime import timedelta

import orjson
from pydantic import TypeAdapter

from inferq.errors import RecordTooNew
from inferq.predictions.record import (
    Draft,
    Input,
    ModelReference,
    Prediction,
    Problem,
    Record,
    Result,
    State,
)
from inferq.state import moment

SCHEMA = 1
"""Of the records that this code writes, and the newest that it reads. A field that older code may overlook leaves it as
it is; whatever older code would misunderstand raises it, in a release after one that reads both."""
OTHER_VERSION_SECONDS = 30

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


def record_key(task_id: str) -> str:
    """The key of a prediction's record."""
    return f"inferq:prediction:{task_id}"


def draft_fields(draft: Draft) -> list[str | bytes]:
    """What a draft gives to its record: names and values in turn."""
    fields: list[str | bytes] = [
        "schema", str(SCHEMA),
        "owner", draft.owner,
        "model", str(draft.model),
        "input", draft.input.model_dump_json(),
        "input_key", draft.input_key,
        "parameters", orjson.dumps(draft.parameters),
        "metadata", orjson.dumps(draft.metadata),
    ]  # fmt: skip
    for name in ("batch", "rerun_of", "callback_url"):
        if (value := getattr(draft, name)) is not None:
            fields += [name, value]
    if draft.traceparent:
        fields += ["traceparent", draft.traceparent]
    return fields


def decode(fields: Mapping[str, str]) -> Record:
    """The record of a hash's fields.

    Raises:
        RecordTooNew: A newer version of inferq wrote it, in a form that this one does not know.
    """
    if int(fields.get("schema", 1)) > SCHEMA:
        raise RecordTooNew(
            "A newer version of inferq made this prediction; what was asked for it is not upgraded yet.",
            retry_after=OTHER_VERSION_SECONDS,
        )
    created = moment(fields, "created")
    assert created is not None, "accept writes it first"  # noqa: S101 - narrows the type
    prediction = Prediction(
        task_id=fields["id"],
        state=State(fields["state"]),
        model=ModelReference.parse(fields["model"]),
        created_at=created,
        started_at=moment(fields, "started"),
        finished_at=moment(fields, "finished"),
        expires_at=moment(fields, "expires"),
        attempts=int(fields["attempts"]),
        batch=fields.get("batch"),
        rerun_of=fields.get("rerun_of"),
        input=Input.model_validate_json(fields["input"]),
        parameters=orjson.loads(fields["parameters"]),
        result=_RESULT.validate_json(fields["result"]) if "result" in fields else None,
        timings_ms=_timings(fields),
        error=Problem.model_validate_json(fields["error"]) if "error" in fields else None,
        metadata=orjson.loads(fields["metadata"]),
    )
    return Record(
        prediction,
        owner=fields["owner"],
        input_key=fields["input_key"],
        revision=int(fields["revision"]),
        lane=fields["lane"],
        token=fields.get("token", ""),
        worker=fields.get("worker", ""),
        queue_timeout=timedelta(microseconds=int(fields["queue_timeout"])),
        start_within=timedelta(microseconds=int(fields["start_by"]) - int(fields["created"]))
        if "start_by" in fields
        else None,
        callback_url=fields.get("callback_url"),
        traceparent=fields.get("traceparent", ""),
    )


def _timings(fields: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds of each stage: what the store saw (queued, total) around what the worker measured."""
    timings: dict[str, float] = {}
    if "started" in fields:
        timings["queued"] = int(fields["waited"]) / 1e3
    timings |= orjson.loads(fields.get("timings", "{}"))
    if "finished" in fields:
        timings["total"] = (int(fields["finished"]) - int(fields["created"])) / 1e3
    return timings
