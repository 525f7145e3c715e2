"""Has the official CloudEvents SDK for Python read events, of which each is a line of JSON in a file. Prints
what it reads differently."""

import json
import sys
from datetime import datetime, timedelta, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def differences(case, message):
    """What the SDK reads differently from what was written."""
    try:
        event = from_http_event(message)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    expected = dict(case["attributes"])
    expected["time"] = EPOCH + timedelta(microseconds=case["micros"])
    read = dict(event.get_attributes())
    # It keeps microseconds.
    found = [
        f"{name}: {read.get(name)!r} instead of {expected.get(name)!r}"
        for name in sorted(expected.keys() | read.keys())
        if read.get(name) != expected.get(name)
    ]
    if event.get_data() != json.loads(case["body"]):
        found.append("data: not equal")
    return found


def messages(case):
    structured = case["structured"].encode()
    body = case["body"].encode()
    yield "structured", HTTPMessage({"content-type": case["media_type"]}, structured)
    yield "binary over HTTP", HTTPMessage(dict(case["http"]), body)
    # It has no binding for NATS, but that for HTTP reads all headers `ce-`.
    yield "binary over NATS", HTTPMessage(dict(case["nats"]), body)


with open(sys.argv[1], encoding="utf-8") as cases:
    for line in cases:
        case = json.loads(line)
        for mode, message in messages(case):
            for difference in differences(case, message):
                print(f"{mode}: {difference}: {dict(case['attributes'])}")
