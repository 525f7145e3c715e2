"""Has the official Python SDK open requests, of which each is a line of JSON in a file, and prints its
verdict on each as such a line."""

import base64
import json
import sys

import lark_oapi as lark
from lark_oapi.core.log import logger
from lark_oapi.core.model import RawRequest
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

# What it says of an event that has passed all its checks and has no handler.
UNHANDLED = '{"msg":"processor not found, type: '
CHALLENGE = '{"challenge":"'
END = '"}'

logger.disabled = True
handled = []


def on_event(data):
    if data.schema:
        event_type = data.header.event_type
    else:
        event_type = data.event["type"]
    # Its body as it has it, whatever a reader of JSON thinks of the numbers and texts in it.
    handled.append({"verdict": "event", "type": event_type, "body": json.dumps(data.event)})


def on_card_action(data):
    # A typed body: what is in it is not what was sent.
    handled.append({"verdict": "event", "type": data.header.event_type})
    return P2CardActionTriggerResponse({})


def dispatcher(key, token):
    return (
        lark.EventDispatcherHandler.builder(key, token)
        .register_p2_customized_event("vc.reserve_config.updated_v1", on_event)
        .register_p1_customized_event("app_status_change", on_event)
        .register_p2_card_action_trigger(on_card_action)
        .build()
    )


def verdict(case):
    request = RawRequest()
    request.uri = "/webhook/event"
    request.body = base64.b64decode(case["body"])
    for name, value in case["headers"]:
        # What WSGI makes of a header that comes twice.
        before = request.headers.get(name)
        request.headers[name] = value if before is None else f"{before},{value}"
    handled.clear()
    try:
        response = dispatcher(case["key"], case["token"]).do(request)
    except Exception as error:
        return {"verdict": "refused", "why": f"it raises {type(error).__name__}"}
    text = response.content.decode()
    if response.status_code == 200:
        if handled:
            return handled[0]
        return {"verdict": "challenge", "challenge": text[len(CHALLENGE) : -len(END)]}
    event_type = text[len(UNHANDLED) : -len(END)]
    if text.startswith(UNHANDLED) and event_type not in ("", "None"):
        return {"verdict": "event", "type": event_type}
    return {"verdict": "refused", "why": text}


with open(sys.argv[1], encoding="utf-8") as cases:
    for line in cases:
        print(json.dumps(verdict(json.loads(line))))
