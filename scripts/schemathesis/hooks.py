"""What an OpenAPI document cannot say of this API, told to Schemathesis.

Nothing here may hide an answer: hooks change what is sent, never what is thought of the answer.
"""

import os
import re
import zlib

import schemathesis

TOKEN = os.environ["CHAT_TOKEN"]
TOKEN_HEADER = "X-Application-Token"
KEY_HEADER = "Idempotency-Key"
#: As many chats, and messages in each, as seed.py has made.
SEEDED = 4
MAX_NUMBER = 2**53 - 1
#: Numbers above this one were drawn at random; none is reached by creating within a run.
DRAWN = 100_000

known_tokens = {TOKEN}


def often(value):
    """True for three of four values; for one value always the same."""
    return zlib.crc32(str(value).encode()) % 4 != 0


def existing_token(token):
    """A token drawn at random names nothing, so most of them become that of the application that was made for this run."""
    drawn = re.fullmatch("[0-9a-f]{32}", str(token)) and token not in known_tokens
    return TOKEN if drawn and often(token) else token


def existing_number(number):
    text = str(number)
    drawn = text.isascii() and text.isdigit() and DRAWN < int(text) <= MAX_NUMBER
    return int(text) % SEEDED + 1 if drawn and often(text) else number


@schemathesis.hook
def map_case(context, case):
    path = case.path_parameters or {}
    if "token" in path:
        path["token"] = existing_token(path["token"])
    for name in ("number", "message"):
        if name in path:
            path[name] = existing_number(path[name])
    if case.headers and TOKEN_HEADER in case.headers:
        case.headers[TOKEN_HEADER] = existing_token(case.headers[TOKEN_HEADER])
    # Whether a key has been used before, and for what, no document can say: each request has its own, and the same one again.
    key = (case.headers or {}).get(KEY_HEADER)
    if key is not None and re.fullmatch("[!-~]{1,255}", str(key)):
        request = (case.method, case.path, sorted(path.items()), case.body)
        own = f"-{zlib.crc32(repr(request).encode()):08x}"
        case.headers[KEY_HEADER] = key + own if len(key) < 200 else key[: -len(own)] + own
    query = case.query or {}
    # `query` may be left out where `q` is given: that `query` is required holds only without it.
    if "query" not in query:
        query.pop("q", None)
    # One of the three is all that a request may have.
    if case.meta is None or case.meta.generation.mode.is_positive:
        for surplus in [name for name in ("after", "before", "page") if name in query][1:]:
            del query[surplus]
    return case


@schemathesis.hook
def after_call(context, case, response):
    """Applications that the run itself has made are there as well."""
    if case.method == "POST" and response.status_code == 201 and case.path.endswith("/applications"):
        known_tokens.add(response.json()["token"])
