"""What the OpenAPI document says beyond the routes themselves: headers, examples, licence, security."""

from typing import Annotated, Any

from fastapi import FastAPI, Header, Response
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.openapi.utils import get_openapi
from typing_extensions import override

from inferq.accounts.account import Scope
from inferq.api.schemas import Responses
from inferq.predictions.links import API_PREFIX
from inferq.predictions.record import PROBLEM_TYPES, State
from inferq.webhooks.payload import PredictionEnded

SCHEMAS = "#/components/schemas/{model}"
ID = "8e30c2d1f5a94b0c9d7f6a1b2c3d4e5f"
PATH = f"/api/v1/predictions/{ID}"
PREDICTION: dict[str, Any] = {
    "task_id": ID,
    "state": "succeeded",
    "model": {"name": "ssdlite-mobilenet-v2-coco", "version": "1"},
    "created_at": "2026-11-24T09:30:00.000000Z",
    "started_at": "2026-11-24T09:30:00.003000Z",
    "finished_at": "2026-11-24T09:30:00.030000Z",
    "expires_at": "2026-11-26T09:30:00.030000Z",
    "attempts": 1,
    "batch": "holiday",
    "rerun_of": None,
    "queue": None,
    "input": {
        "kind": "image", "filename": "dog.jpg", "media_type": "image/jpeg", "width": 768, "height": 576,
        "bytes": 163759, "sha256": "d21dd0c2c5f1d0b1b9b8b3c5a3f9c6c1a7e3d8b29a6b5f0c4d3e2f1a0b9c8d7e",
    },
    "parameters": {
        "score_threshold": 0.5, "iou_threshold": 0.5, "max_detections": 100, "classes": None,
    },
    "result": {
        "kind": "detections",
        "detections": [
            {
                "label": "dog", "class_id": 18, "score": 0.89,
                "box": {"x_min": 130.1, "y_min": 218.0, "x_max": 311.9, "y_max": 541.3},
            }
        ],
    },
    "timings_ms": {
        "queued": 3.1, "read": 0.4, "preprocess": 4.0, "inference": 21.2, "postprocess": 0.5, "total": 30.2,
    },
    "error": None,
    "metadata": {"camera": 7},
    "links": {
        "self": PATH, "input": f"{PATH}/input", "image": f"{PATH}/image", "preview": f"{PATH}/preview",
        "annotated": f"{PATH}/annotated", "events": f"{PATH}/events",
    },
}  # fmt: skip
PROBLEM: dict[str, Any] = {
    "type": f"{PROBLEM_TYPES}invalid_parameter",
    "title": "Invalid parameter",
    "status": 422,
    "detail": "score_threshold: 7 is greater than the maximum of 1.",
    "code": "invalid_parameter",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "retryable": False,
    "errors": [{"pointer": "/score_threshold", "detail": "7 is greater than the maximum of 1"}],
}
EXAMPLES = {"Prediction": PREDICTION, "Problem": PROBLEM}

CREDENTIAL_SCHEME = "Password"
SCOPE_TEXTS = {
    Scope.PREDICT: "Make predictions, cancel and delete them",
    Scope.READ: "Look at predictions, models and queues",
    Scope.ADMIN: "See and manage what belongs to other users",
}
CREDENTIAL_MODEL = OAuth2(
    description="Sign in here; the access token that it gives is sent with every call.",
    flows=OAuthFlows(
        password=OAuthFlowPassword(
            tokenUrl=f"{API_PREFIX}/auth/token",
            scopes={str(scope): text for scope, text in SCOPE_TEXTS.items()},
        )
    ),
)
OTHER_SCHEMES: dict[str, Any] = {
    "Key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "iq_…",
        "description": "An API key, or an access token.",
    },
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "inferq_session",
        "description": "A browser that has signed in; with TLS the name begins with `__Host-`.",
    },
}
"""What is as good as an access token, on every route."""

HEADERS: dict[str, tuple[str, str]] = {
    "ETag": ("string", "Changes with everything but the place in the queue."),
    "Idempotency-Replayed": ("string", "`true` where an earlier request made the prediction."),
    "RateLimit": (
        "string",
        'What is left of each limit and when it is full again: `"name";r=12;t=8`.',
    ),
    "RateLimit-Policy": ("string", 'The limits that count: `"name";q=20;w=60`.'),
    "WWW-Authenticate": ("string", "Which credential would do (RFC 6750)."),
    "Link": ("string", 'The next page, as `<path>; rel="next"`; absent on the last one.'),
    "Location": ("string", "Path of the prediction."),
    "Preference-Applied": ("string", "The wait that was granted, as `wait=N`."),
    "Retry-After": ("integer", "Seconds after which to ask again."),
    "X-Request-ID": (
        "string",
        "The request's trace id: the caller's (`traceparent`), or a new one.",
    ),
}
TOLD: Responses = {
    410: {"description": "Nothing more is wanted: the URL is disabled"},
    "default": {
        "description": "Anything but a success: it is sent again later, after `Retry-After` if given"
    },
}
# As it is written, not as FastAPI would read it.
TOLD_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PredictionEnded"}}},
}
MORE_HEADERS = {
    "401": ("WWW-Authenticate",),
    "403": ("WWW-Authenticate",),
    "429": ("Retry-After", "RateLimit", "RateLimit-Policy"),
    "503": ("Retry-After",),
    "507": ("Retry-After",),
}
PATH_PARAMETERS = {
    "batch": "The label that its predictions were sent with.",
    "code": "The `code` of a problem.",
    "key_id": "The key's id, as the list gives it.",
    "name": "`name`, which stands for its newest version, or `name@version`.",
    "task_id": "The prediction's id, as the answer to its submission gave it.",
}

FOLLOW_UPS = (
    "predictions-get",
    "predictions-cancel",
    "predictions-rerun",
    "predictions-delete",
    "webhooks-get",
    "webhooks-redeliver",
    "events-follow_prediction",
    "pictures-input",
    "pictures-image",
    "pictures-preview",
    "pictures-annotated",
)
"""Operations on one prediction."""


def named_headers(*names: str) -> dict[str, Any]:
    """The `headers` of a response that may carry these."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def parameter(place: str, name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What a route reads by itself of a request's `header` or `query`, if it is there."""
    return {
        "name": name,
        "in": place,
        "required": False,
        "description": description,
        "schema": schema,
    }


def answers(*status: int, description: str, names: tuple[str, ...]) -> Responses:
    """The `responses` of a route for these statuses, with their headers."""
    return {code: {"description": description, "headers": named_headers(*names)} for code in status}


def follow_ups() -> dict[str, Any]:
    """The `links` of a response with a prediction: what can be done with it next."""
    parameters = {"task_id": "$response.body#/task_id"}
    return {name: {"operationId": name, "parameters": parameters} for name in FOLLOW_UPS}


def describe_webhooks(app: FastAPI) -> None:
    """Adds what is sent to the receivers of `callback_url` to an application's document."""
    for state in (State.SUCCEEDED, State.FAILED, State.CANCELED):
        app.webhooks.add_api_route(
            f"prediction.{state}",
            _ended,
            methods=["POST"],
            operation_id=f"webhooks-{state}",
            tags=["webhooks"],
            summary=f"A prediction has ended as {state}",
            status_code=204,
            response_class=Response,
            responses=TOLD,
            openapi_extra={"requestBody": TOLD_BODY},
        )


def _ended(
    webhook_id: Annotated[
        str,
        Header(
            description="Names this message: the same whenever it is sent again, so act on it once."
        ),
    ],
    webhook_timestamp: Annotated[
        int,
        Header(
            description="When this attempt was made, in Unix seconds; refuse what is not of now."
        ),
    ],
    webhook_signature: Annotated[
        str,
        Header(
            description="`v1,` and the Base64 of an HMAC-SHA256; several, separated by spaces, after a rotation."
        ),
    ],
) -> None:
    """Sent to the prediction's `callback_url`, signed as [Standard Webhooks](https://www.standardwebhooks.com) has it.

    It is sent at least once; until the answer is a success, again and again for 24 hours.
    """


class DescribedApi(FastAPI):
    """An application that answers with the whole document."""

    @override
    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        webhooks=app.webhooks.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "This server"}],
    )
    document["security"] = []
    components = document["components"]
    components["securitySchemes"] |= OTHER_SCHEMES
    components["headers"] = {
        name: {"description": text, "schema": {"type": kind}}
        for name, (kind, text) in HEADERS.items()
    }
    told = PredictionEnded.model_json_schema(mode="serialization", ref_template=SCHEMAS)
    components["schemas"]["PredictionEnded"] = {k: v for k, v in told.items() if k != "$defs"}
    for name, example in EXAMPLES.items():
        components["schemas"][name]["examples"] = [example]
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["description"] = PATH_PARAMETERS[parameter["name"]]
            if "security" in operation:
                scopes = operation["security"][0][CREDENTIAL_SCHEME]
                operation["security"] = [
                    {CREDENTIAL_SCHEME: scopes},
                    *({name: []} for name in OTHER_SCHEMES),
                ]
            for status, response in operation["responses"].items():
                names = ("X-Request-ID", *MORE_HEADERS.get(status, ()))
                response.setdefault("headers", {}).update(named_headers(*names))
    return document
