"""What a connection writes in one turn of the event loop leaves as one packet, in order, and before its end."""

import asyncio

import pytest

from inferq.api import connections
from inferq.api.connections import Together


class Wire(asyncio.Transport):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def write_eof(self) -> None:
        self.told.append("eof")

    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.told


@pytest.mark.anyio
async def test_head_and_body_leave_together_at_the_end_of_the_turn():
    wire = Wire()
    transport = Together(wire, asyncio.get_running_loop())
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.told == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.told == [b"head body", b"next"]


@pytest.mark.anyio
@pytest.mark.parametrize(("end", "told"), [("close", "closed"), ("write_eof", "eof")])
async def test_what_was_written_goes_before_the_end(end: str, told: str):
    wire = Wire()
    transport = Together(wire, asyncio.get_running_loop())
    transport.write(b"answer")
    getattr(transport, end)()
    await asyncio.sleep(0)
    assert wire.told == [b"answer", told]
    assert transport.is_closing() == (end == "close")


@pytest.mark.anyio
async def test_much_is_not_held_so_that_a_slow_reader_holds_the_writer_up(monkeypatch):
    monkeypatch.setattr(connections, "MOST_HELD", 5)
    wire = Wire()
    transport = Together(wire, asyncio.get_running_loop())
    transport.write(b"123")
    transport.write(b"456")
    assert wire.told == [b"123456"]
    await asyncio.sleep(0)
    assert wire.told == [b"123456"]
