"""`INFERQ_PROVIDERS` as text, and what one process makes of it."""

import pytest

from inferq.errors import SetupError
from inferq.models.providers import KNOWN, check_one_device, parse_provider, split_by_device


@pytest.mark.parametrize("text", [*KNOWN, "cuda:0", "cuda:12", "tensorrt:1"])
def test_a_provider_reads_as_it_is_written(text: str):
    assert str(parse_provider(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu", "known are cpu, coreml, cuda, tensorrt"),
        ("", "known are"),
        ("cuda:", "number after cuda:0, tensorrt:0"),
        ("cuda:a", "number after"),
        ("cuda:-1", "number after"),
        ("cpu:0", "number after"),
    ],
)
def test_what_is_none_is_refused(text: str, message: str):
    with pytest.raises(SetupError, match=message):
        parse_provider(text)


@pytest.mark.parametrize(
    ("providers", "processes"),
    [
        ("cpu", ["cpu"]),
        ("cuda,cpu", ["cuda,cpu"]),
        ("cuda:1,cpu", ["cuda:1,cpu"]),
        ("cuda:0,cuda:2,cpu", ["cuda:0,cpu", "cuda:2,cpu"]),
        ("tensorrt:0,cuda:0,cpu", ["tensorrt:0,cuda:0,cpu"]),
        ("tensorrt:0,tensorrt:1,cuda:0,cuda:1", ["tensorrt:0,cuda:0", "tensorrt:1,cuda:1"]),
    ],
)
def test_each_device_gets_a_process_of_its_own(providers: str, processes: list[str]):
    found = split_by_device(providers.split(","))
    assert [",".join(each) for each in found] == processes


def test_a_worker_that_is_given_several_devices_says_how_to_start_one_each():
    with pytest.raises(
        SetupError, match=r"INFERQ_PROVIDERS=cuda:0,cpu inferq worker; .*cuda:1,cpu"
    ):
        check_one_device(["cuda:0", "cuda:1", "cpu"])
    check_one_device(["cuda:1", "cpu"])
