"""Pages about the API itself: its documentation, and what each problem type means."""

import inspect

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel

from inferq.api.schemas import problems
from inferq.api.web import WEB_DIST
from inferq.errors import NotFound, error_classes
from inferq.predictions.record import PROBLEM_TYPES

router = APIRouter()


class ProblemType(BaseModel):
    """What a problem's `code` stands for."""

    code: str
    title: str
    status: int
    retryable: bool
    description: str


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
    responses=problems(404, 422),
)
async def get(code: str) -> ProblemType:
    """What a problem type means; the `type` of every problem points here."""
    for cls in error_classes():
        if cls.code == code:
            return ProblemType(
                code=code,
                title=cls.title,
                status=cls.status,
                retryable=cls.retryable,
                description=inspect.cleandoc(cls.__doc__ or ""),
            )
    raise NotFound(f"There is no problem type {code!r}.")
