"""The short campaign: every fault once, with few predictions; `make faults` runs the full one."""

import shutil
from collections.abc import Iterator

import pytest

from conftest import require
from faults.case import Case, Size, Skipped
from faults.rows import ROWS, Row
from faults.site import BROKERS, Site

SHORT = Size(full=False)
CASES = [(broker, row) for broker in BROKERS for row in ROWS if broker in row.short]


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The servers of one broker's rows; a row that breaks them starts them again."""
    if request.param == "rabbitmq":
        require(shutil.which("rabbitmq-server"), "RabbitMQ")
    with Site(request.param) as site:
        yield site


@pytest.mark.parametrize(
    ("site", "row"),
    [pytest.param(broker, row, id=f"{broker}-{row.name}") for broker, row in CASES],
    indirect=["site"],
)
def test_nothing_accepted_is_lost(site: Site, row: Row):
    with Case(site, SHORT) as case:
        try:
            row.run(case)
        except Skipped as reason:
            require(None, str(reason))
    assert case.verdict is not None
