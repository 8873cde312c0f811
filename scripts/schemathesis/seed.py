"""Makes an application with chats and messages, waits until all is stored, and prints the application's token."""

import json
import os
import time
import urllib.request

API, INGEST = os.environ["API_URL"], os.environ["INGEST_URL"]
CHATS, MESSAGES = 4, 4
STORED_WITHIN_S = 30


def send(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, json.load(answer)


def stored(url):
    deadline = time.monotonic() + STORED_WITHIN_S
    while send(url)[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit("what was accepted is not stored in time")


_, application = send(f"{API}/applications", {"name": "checked"})
token = application["token"]
for chat in range(1, CHATS + 1):
    path = f"/applications/{token}/chats"
    send(f"{INGEST}{path}", {"name": f"Scene {chat}"})
    for message in range(1, MESSAGES + 1):
        send(f"{INGEST}{path}/{chat}/messages", {"body": f"Line {message} of scene {chat}"})
    stored(f"{API}{path}/{chat}/messages/{MESSAGES}")
print(token)
