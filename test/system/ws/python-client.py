# A client of Python's "websockets", for `openProcess` of peers.js: a line of JSON for each message, and for the opening and the close.
import asyncio
import base64
import json
import sys

from websockets import connect
from websockets.exceptions import ConnectionClosed


def say(**fact):
    print(json.dumps(fact), flush=True)


def shown(message):
    return message if isinstance(message, str) else {"base64": base64.b64encode(message).decode()}


async def main(url):
    async with connect(url, max_size=None, max_queue=None) as socket:
        say(opened=True)
        try:
            while True:
                say(message=shown(await socket.recv()))
        except ConnectionClosed:
            say(closed=socket.close_code)


asyncio.run(main(sys.argv[1]))
