"""Sends turns (JSON lines on standard input) as a live call, prints the suggestions, survives lost connections.

    python examples/live_client.py ws://127.0.0.1:8110 CALL_ID KEY < turns.jsonl

A line is {"speaker": "caller", "text": "…", "turn": 0, "partial": true}. Needs the package `websockets`.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

LASTING = {1000, 1008, 4401, 4403, 4409, 4413}  # connecting again would not help


async def read(turns, news):
    """Keeps the newest text of every turn; the end of the input ends the call."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        message = {"turn": len(turns), "partial": False} | json.loads(line)
        turns[message["turn"] : message["turn"] + 1] = [message]
        news.set()
    turns.append({"type": "end"})
    news.set()


async def send(socket, turns, known, news):
    """Sends what the server does not know yet, now and whenever there is more."""
    sent = {turn["turn"]: turn for turn in known}
    while True:
        news.clear()
        for number, turn in enumerate(turns):
            if sent.get(number) != turn:
                await socket.send(json.dumps(turn, ensure_ascii=False))
                sent[number] = dict(turn)
        await news.wait()


async def main(server, call_id, key):
    """Connects, and connects again, until the call has ended."""
    turns, news = [], asyncio.Event()
    reading = asyncio.create_task(read(turns, news))
    headers = {"Authorization": f"Bearer {key}"}
    async for socket in connect(f"{server}/v1/calls/{call_id}/live", additional_headers=headers):
        sender = reading.result() if reading.done() else None  # a broken line ends the program
        with suppress(ConnectionClosed):  # `connect` tries again, with pauses
            async for message in socket:
                print(message, flush=True)
                sender = sender or asyncio.create_task(send(socket, turns, json.loads(message).get("turns", []), news))
        sender and sender.cancel()
        if socket.close_code in LASTING:
            os._exit(socket.close_code != 1000)  # a thread may still wait for input


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
