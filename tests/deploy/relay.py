"""A link with a delay: `relay.py NAMESPACE INSIDE OUTSIDE BRIDGE MILLISECONDS` makes two taps and carries frames between
them, each that late. For kernels without `tc … netem`."""

import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time
from itertools import count

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
FRAME_BYTES = 65536


def main(namespace: str, inside: str, outside: str, bridge: str, milliseconds: str) -> None:
    """Carries frames until it is killed."""
    delay = float(milliseconds) / 1e3
    out = open_tap(outside)
    subprocess.run(["ip", "link", "set", outside, "master", bridge, "up"], check=True)
    enter(namespace)
    taps = {out: open_tap(inside)}
    taps[taps[out]] = out
    poll = select.poll()
    for tap in taps:
        poll.register(tap, select.POLLIN)
    print("ready", flush=True)  # noqa: T201 - whoever starts it waits for this
    late: list[tuple[float, int, int, bytes]] = []
    order = count()
    while True:
        wait = max(0.0, late[0][0] - time.monotonic()) * 1e3 if late else None
        for tap, _ in poll.poll(wait):
            frame = os.read(tap, FRAME_BYTES)
            heapq.heappush(late, (time.monotonic() + delay, next(order), taps[tap], frame))
        while late and late[0][0] <= time.monotonic():
            _, _, tap, frame = heapq.heappop(late)
            try:
                os.write(tap, frame)
            except OSError:
                continue  # that end is not up yet: the frame is lost, as on any wire


def open_tap(name: str) -> int:
    """A tap of this name in the namespace that this process is in."""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def enter(namespace: str) -> None:
    """Moves this process into a network namespace of `ip netns`."""
    with open(f"/run/netns/{namespace}") as file:  # noqa: PTH123 - its descriptor is wanted
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    main(*sys.argv[1:])
