"""A published port: `port.py HOST PORT ADDRESS INNER_PORT` hands connections to a container on."""

import asyncio
import sys


async def main(host: str, port: str, address: str, inner: str) -> None:
    """Carries bytes both ways until it is killed."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(address, int(inner))
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        there[1].close()
        writer.close()

    server = await asyncio.start_server(carry, host, int(port))
    print("ready", flush=True)  # noqa: T201 - whoever starts it waits for this
    await server.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction to its end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        writer.transport.abort()
    else:
        if not writer.transport.is_closing():
            writer.write_eof()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
