"""Accepting a prediction: check, save, record, publish. Runs in the thread pool; nothing is stored on a refusal."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from inferq.api.callers import Caller
from inferq.api.deps import Services
from inferq.api.schemas import Rerun
from inferq.api.uploads import Upload
from inferq.api.waiting import require_end
from inferq.errors import (
    IdempotencyKeyReused,
    InputGone,
    InvalidParameter,
    NotFound,
    QueueFull,
    TooManyInFlight,
    UnavailableError,
)
from inferq.models.accepting import PictureLimits, check_input
from inferq.models.parameters import check_parameters, parse_parameters
from inferq.models.register import RegisteredCard
from inferq.predictions.record import Draft, Input, ModelReference, Record
from inferq.predictions.repairs import Message
from inferq.predictions.store import PUBLISH_GRACE, Acceptance
from inferq.telemetry.metrics import count_accepted, count_refused
from inferq.telemetry.traces import current_traceparent, span

BATCH_CHARACTERS = 64
METADATA_BYTES = 4096


class Options(NamedTuple):
    """The fields of a request that every model knows."""

    model: str | None
    batch: str | None
    start_within: timedelta | None
    metadata: dict[str, Any]
    callback_url: str | None


def submit(
    services: Services,
    upload: Upload,
    caller: Caller,
    task_id: str,
    *,
    idempotency_key: str | None,
) -> Acceptance:
    """Makes a prediction of an upload, with a new task id.

    Raises:
        RequestError: One of its subclasses says what is wrong with the request.
        UnavailableError: Storage or state store cannot take it now. If it is unknown whether the record
            was made, nothing is deleted: either it is processed, or nobody heard of it.
    """
    options, fields = _split_options(upload.fields)
    card = services.register.find(options.model, services.settings.default_model)
    parameters = parse_parameters(card.parameters, fields)
    given = _checked(services, card, upload)
    draft = Draft(
        task_id=task_id,
        owner=caller.owner,
        model=ModelReference(name=card.name, version=card.version),
        input=given,
        input_key=services.storage.key(task_id),
        parameters=parameters,
        metadata=options.metadata,
        batch=options.batch,
        start_within=options.start_within,
        callback_url=services.callbacks.url_for(caller.credential, options.callback_url),
        idempotency_key=idempotency_key,
        fingerprint=_fingerprint(given.sha256, card.reference, parameters),
        traceparent=current_traceparent(),
    )
    return _accept(services, draft, lambda: services.storage.write(draft.input_key, upload.data))


def rerun(
    services: Services,
    record: Record,
    wish: Rerun,
    task_id: str,
    *,
    idempotency_key: str | None,
) -> Acceptance:
    """Makes a prediction of the input of an earlier one, which it shares nothing with, with a new task id.

    Raises:
        NotFinished: The earlier one has not ended.
        InputGone: Its input is not in storage any more.
        RequestError: Another of its subclasses says what is wrong with the request.
        UnavailableError: As for `submit`.
    """
    prediction = require_end(record)
    card = services.register.find(wish.model or str(prediction.model), None)
    same = card.reference == str(prediction.model)
    kept = prediction.parameters if same else {}
    given = kept if wish.parameters is None else wish.parameters
    parameters = check_parameters(card.parameters, given, within="/parameters")
    taken = prediction.input if same else _check_again(services, card, record)
    draft = Draft(
        task_id=task_id,
        owner=record.owner,
        model=ModelReference(name=card.name, version=card.version),
        input=taken,
        input_key=services.storage.key(task_id),
        parameters=parameters,
        metadata=prediction.metadata,
        batch=prediction.batch,
        rerun_of=prediction.task_id,
        callback_url=record.callback_url,
        idempotency_key=None
        if idempotency_key is None
        else f"rerun/{record.task_id}/{idempotency_key}",
        fingerprint=_fingerprint(prediction.input.sha256, card.reference, parameters),
        traceparent=current_traceparent(),
    )

    def copy() -> None:
        try:
            services.storage.copy(record.input_key, draft.input_key)
        except NotFound as error:
            raise _gone() from error

    return _accept(services, draft, copy)


def _checked(services: Services, card: RegisteredCard, upload: Upload) -> Input:
    """An upload as the record tells of it, if the model takes it."""
    accepted = check_input(
        card,
        upload.data,
        media_type=upload.media_type,
        filename=upload.filename,
        limits=PictureLimits(
            services.settings.max_pixels, [name.upper() for name in services.settings.formats]
        ),
    )
    return Input(
        kind=accepted.kind,
        filename=upload.filename,
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
        bytes=accepted.bytes,
        sha256=accepted.sha256,
    )


def _check_again(services: Services, card: RegisteredCard, record: Record) -> Input:
    """The input of an earlier prediction, if another model takes it too."""
    source = record.prediction.input
    try:
        data = services.storage.read(record.input_key, sha256=source.sha256)
    except NotFound as error:
        raise _gone() from error
    return _checked(services, card, Upload(data, source.media_type, source.filename, ()))


def _gone() -> InputGone:
    return InputGone("The input is not in storage any more; send it again.")


def _accept(services: Services, draft: Draft, store_input: Callable[[], object]) -> Acceptance:
    """Stores the input, then makes the record; nothing stays of what is refused."""
    try:
        services.capacity.check()
        return _take(services, draft, store_input)
    except (QueueFull, TooManyInFlight, UnavailableError) as error:
        count_refused(error.code)
        raise


def _take(services: Services, draft: Draft, store_input: Callable[[], object]) -> Acceptance:
    with span("store_input"):
        store_input()
    try:
        with span("accept"):
            acceptance = services.store.accept(draft)
    except (QueueFull, TooManyInFlight):
        services.storage.delete_all(draft.input_key)
        raise
    if acceptance.outcome == "accepted":
        message = Message(draft.task_id, draft.model, traceparent=draft.traceparent)
        services.publisher.publish(message, lent=PUBLISH_GRACE)
        count_accepted(str(draft.model))
        return acceptance
    services.storage.delete_all(draft.input_key)
    if acceptance.outcome == "key_reused":
        raise IdempotencyKeyReused(
            "This Idempotency-Key came with another input, model or parameters before; use a new key."
        )
    return acceptance


def _split_options(fields: Iterable[tuple[str, str]]) -> tuple[Options, list[tuple[str, str]]]:
    """Takes the options out of a request's fields; what is left is for the model."""
    given: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for name, text in fields:
        if name not in Options._fields:
            rest.append((name, text))
        elif name in given:
            raise InvalidParameter.of(name, "given twice")
        else:
            given[name] = text
    batch = given.get("batch")
    if batch is not None and not 0 < len(batch) <= BATCH_CHARACTERS:
        raise InvalidParameter.of("batch", f"must have 1 to {BATCH_CHARACTERS} characters")
    options = Options(
        model=given.get("model") or None,
        batch=batch,
        start_within=_start_within(given.get("start_within")),
        metadata=_metadata(given.get("metadata")),
        callback_url=given.get("callback_url"),
    )
    return options, rest


def _start_within(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return timedelta(seconds=_positive(float(text)))
    except (ValueError, OverflowError):
        raise InvalidParameter.of("start_within", "must be a number of seconds above 0") from None


def _positive(number: float) -> float:
    if not number > 0:
        raise ValueError(number)
    return number


def _metadata(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if len(text.encode()) > METADATA_BYTES:
        raise InvalidParameter.of("metadata", f"must have at most {METADATA_BYTES} bytes")
    try:
        metadata = orjson.loads(text)
        # Written again it may be refused: what is nested very deeply can be read only.
        orjson.dumps(metadata)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InvalidParameter.of("metadata", "must be a JSON object, not too deep")
    return metadata


def _fingerprint(digest: str, model: str, parameters: dict[str, Any]) -> str:
    """What an idempotency key stands for: the same input on the same model with the same parameters."""
    content = orjson.dumps([digest, model, parameters], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()
