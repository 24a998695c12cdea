"""Echoes messages of WebSockets with the library websockets, with a ping each `pingMs`. Options: {host, port, pingMs}."""
import asyncio
import json
import sys

from websockets.asyncio.server import serve

options = json.loads(sys.argv[1])


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    ping = options.get("pingMs", 20_000) / 1000
    async with serve(echo, options["host"], options["port"], ping_interval=ping, compression=None) as server:
        await server.serve_forever()


asyncio.run(main())
