"""A few thousand damaged pictures and requests, the same in each run; `make fuzz` sends many more, and others each time."""

from pathlib import Path

import pytest
from PIL import Image

from fuzz.corpus import seeds
from fuzz.pictures import MAX_PIXELS, Reader, fuzz, mutants
from fuzz.schema import fuzz_api
from photos import encoded
from system.served import Served

PICTURES, EXAMPLES = 1500, 3


def test_every_seed_is_a_picture_that_is_taken():
    with Reader() as reader:
        assert {name: reader.read(data)[0] for name, data in seeds().items()} == dict.fromkeys(
            seeds(), "taken"
        )


def test_damaged_pictures_are_taken_or_refused_and_cost_little():
    findings = fuzz(mutants(PICTURES))
    assert findings.total == PICTURES
    assert findings.faults == []
    # Damage that is always refused at the door would try no decoder.
    assert findings.outcomes["taken"] > PICTURES / 5
    assert findings.outcomes["image_damaged"] > PICTURES / 10


def test_a_crash_and_a_glutton_would_be_seen():
    """The harness itself: it notices a process that dies, and what memory a picture takes."""
    with Reader(max_pixels=100 * MAX_PIXELS) as reader:
        _, modest = reader.read(seeds()["jpeg"])
        reader._process.kill()
        assert reader.read(seeds()["jpeg"])[0] == "crashed with status -9"
        outcome, greedy = reader.read(encoded(Image.new("RGB", (3000, 3000), "red"), "PNG"))
        assert (outcome, greedy > modest + 20_000) == ("taken", True)


@pytest.mark.timeout(400)  # it walks every route
def test_what_the_document_allows_and_forbids_is_answered_as_it_says(
    served: Served, tmp_path: Path
):
    run = fuzz_api(served.url, tmp_path, examples=EXAMPLES, headers=served.headers)
    assert not run.failures, run.failures
    assert run.cases > 500
