"""Which of several languages a reader gets (RFC 9110 section 12.5.4, by the lookup of RFC 4647 section 3.4)."""

import re
from collections.abc import Collection, Iterator

ENGLISH = "en"
LONGEST_TAG = 35
ITEM = re.compile(
    rf"\s*([A-Za-z0-9-]{{1,{LONGEST_TAG}}})\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{{0,3}})?)\s*)?"
)


def reader_language(available: Collection[str], *, asked: str | None, accepted: str) -> str:
    """The language to answer in; English where nothing else is wanted or there.

    Args:
        available: Language tags that there are beside English.
        asked: What the request names, if it does; then nothing else counts.
        accepted: The header `Accept-Language`.
    """
    known = {tag.lower(): tag for tag in (ENGLISH, *available)}
    wanted = _by_preference(accepted) if asked is None else [asked.lower()]
    return next((found for tag in wanted if (found := _look_up(tag, known))), ENGLISH)


def _look_up(wanted: str, known: dict[str, str]) -> str | None:
    """The tag itself, or else what is left of it when parts are taken off its end: `vi` for `vi-VN`."""
    parts = wanted.split("-")
    ways = ("-".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((known[way] for way in ways if way in known), None)


def _by_preference(accepted: str) -> Iterator[str]:
    """The languages of the header, the dearest first; what is not to be understood is passed over.

    `*` stands for no language in particular, which is what English is for.
    """
    items = [match for part in accepted.split(",") if (match := ITEM.fullmatch(part))]
    weights = [(float(quality or 1), tag.lower()) for tag, quality in (m.groups() for m in items)]
    for weight, tag in sorted(weights, key=lambda each: -each[0]):
        if weight > 0:
            yield tag
