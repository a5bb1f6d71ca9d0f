"""Pages about the API itself: its documentation, and what each problem type means."""

from html import escape

from fastapi import Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, Field

from inferq.api.routers import root_router
from inferq.api.schemas import problems
from inferq.api.web import WEB_DIST
from inferq.errors import InferqError, NotFound, error_class
from inferq.predictions.record import PROBLEM_TYPES

router = root_router()


class ProblemType(BaseModel):
    """What a problem's `code` stands for."""

    code: str
    title: str
    status: int
    retryable: bool = Field(description="Whether the same request may succeed later.")
    description: str = Field(description="What it means.")
    remedy: str = Field(description="What to do about it.")


@router.get("/api/docs", include_in_schema=False)
async def docs() -> FileResponse:
    """The API's documentation, from files of this server alone."""
    page = WEB_DIST / "docs.html"
    if not page.is_file():
        raise NotFound(
            "The documentation page is not built; run `make web`. The OpenAPI document is there."
        )
    return FileResponse(page, media_type="text/html")


@router.get(
    PROBLEM_TYPES + "{code}",
    tags=["problems"],
    summary="What a problem type means",
    response_model=ProblemType,
    responses=problems(404, 422),
)
async def get(code: str, request: Request) -> Response:
    """What a problem type means, and what to do about it; the `type` of every problem points here.

    A browser gets it as a page.
    """
    cls = error_class(code)
    if cls is InferqError:
        raise NotFound(f"There is no problem type {code!r}.")
    meaning, remedy = cls.explained()
    kind = ProblemType(
        code=code,
        title=cls.title,
        status=cls.status,
        retryable=cls.retryable,
        description=meaning,
        remedy=remedy,
    )
    vary = {"Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_page(kind), headers=vary)
    return Response(kind.model_dump_json(), headers=vary, media_type="application/json")


def _page(kind: ProblemType) -> str:
    again = "may succeed later" if kind.retryable else "will be answered the same"
    title = f"{kind.status} {escape(kind.title)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p><code>{kind.code}</code></p><p>{escape(kind.description)}</p>"
        f"<p>{escape(kind.remedy)}</p><p>The same request {again}.</p>"
    )
