"""What Schemathesis is told beyond the document: what a picture is, and how a refusal looks."""

import sys
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.corpus import seeds
from fuzz.pictures import mutants

PICTURES = st.sampled_from([*seeds().values(), *(data for _, data in mutants(100))])
PROBLEM = "application/problem+json"
ALWAYS = ("x-content-type-options", "content-security-policy", "x-request-id")

schemathesis.openapi.format("binary", PICTURES)
schemathesis.openapi.media_type("image/*", PICTURES)
schemathesis.openapi.media_type("application/octet-stream", PICTURES)


@schemathesis.check
def every_refusal_is_a_problem(ctx, response, case) -> None:
    """A refusal tells a code, where it is to be looked up, and the request that the log knows; never of our insides."""
    if response.status_code < 400:
        return
    if b"x-request-id" not in b"".join(name.lower().encode() for name in response.headers):
        raise AssertionError("refused without a trace id")
    kind = response.headers["content-type"][0]
    if case.method != "HEAD" and kind != PROBLEM:
        raise AssertionError(f"{response.status_code} as {kind}")
    if b"Traceback" in response.content:
        raise AssertionError("tells of our insides")


@schemathesis.check
def every_answer_is_guarded(ctx, response, case) -> None:
    """A browser takes an answer for nothing but what it says that it is."""
    for name in ALWAYS:
        if name not in response.headers and response.status_code != 400:
            raise AssertionError(f"without {name}")
