"""Something for the dashboards to show: every kind of request, again and again, until it is stopped."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid


class Traffic:
    """A thread that makes requests. `failed` holds what was answered otherwise than it should."""

    def __init__(self, edge):
        self.edge, self.failed, self.rounds = edge, [], 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def _run(self):
        while not self._stop.is_set():
            try:
                self._round()
                self.rounds += 1
            except (OSError, ValueError, KeyError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                self._stop.wait(1)

    def _round(self):
        """One application with two chats: creates alone, together and with a key, reads, searches, updates, and mistakes of a client."""
        token = self._ask("POST", "/applications", {"name": f"Dashboard {self.rounds}"}, expect=201)["token"]
        application = f"/applications/{token}"
        for name in ("Prologue", None):
            body = {"name": name} if name else {}
            chat = f"{application}/chats/{self._ask('POST', f'{application}/chats', body, expect=201)['number']}"
            key = {"Idempotency-Key": str(uuid.uuid4())}
            for _ in range(2):
                self._ask("POST", f"{chat}/messages", {"body": "Two households, both alike in dignity"}, key, expect=201)
            texts = [{"body": f"Line {line} of the play"} for line in range(20)]
            last = self._ask("POST", f"{chat}/messages:batch", {"messages": texts}, expect=201)["numbers"][-1]
            self._stored(f"{chat}/messages/{last}")
            for _ in range(2):
                self._ask("GET", f"{chat}/messages?limit=10")
            self._ask("PUT", f"{chat}/messages/{last}", {"body": "The rest is silence"})
            self._ask("GET", f"{chat}/messages/search?query=house")
            self._ask("GET", f"{chat}/messages/{last + 1000}", expect=404)
            self._ask("POST", f"{chat}/messages", {"body": ""}, expect=422)
        self._ask("GET", f"/api/v1{application}/chats")
        self._stop.wait(0.2)

    def _stored(self, path):
        """A read waits for what is on its way; 202 says that it took too long."""
        deadline = time.monotonic() + 30
        while self._send("GET", path)[0] == 202:
            if time.monotonic() > deadline:
                raise ValueError(f"GET {path} is not stored in time")

    def _ask(self, method, path, body=None, headers={}, expect=200):
        status, answer = self._send(method, path, body, headers)
        if status != expect:
            raise ValueError(f"{method} {path}: {status} instead of {expect}: {answer}")
        return answer

    def _send(self, method, path, body=None, headers={}):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.edge + path, data, {"Content-Type": "application/json"} | headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)
