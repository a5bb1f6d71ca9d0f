"""Pages of lists: where one begins, and where the next one is."""

from fastapi import Request

from inferq.errors import InvalidParameter
from inferq.predictions.lists import Position


def read_cursor(text: str | None) -> Position | None:
    """Where a page begins.

    Raises:
        InvalidParameter: It is no cursor of ours.
    """
    try:
        return None if text is None else Position.parse(text)
    except ValueError as error:
        raise InvalidParameter.of("cursor", "is none that this server gave") from error


def next_link(request: Request, position: Position | None) -> dict[str, str]:
    """The `Link` header that leads on, where there is more."""
    if position is None:
        return {}
    url = request.url.include_query_params(cursor=position.encode())
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}
