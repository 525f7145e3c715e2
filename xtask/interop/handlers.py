"""The handlers of both Python apps. They print one line of JSON for each event."""

import json
import os
import sys
import threading
import time

import lark_oapi as lark
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

seen = set()


def happened(what, **more):
    print(json.dumps({"happened": what, **more}), flush=True)


def on_event(data):
    if data.header is None:
        event_id, event_type = data.uuid, data.event["type"]
    else:
        event_id, event_type = data.header.event_id, data.header.event_type
    happened("event", event_id=event_id, event_type=event_type, body=data.event)
    time.sleep(data.event.get("takes_ms", 0) / 1000)
    first = event_id not in seen
    seen.add(event_id)
    if first and data.event.get("fails_once"):
        raise RuntimeError("a planned failure")


def on_card_action(data):
    body = json.loads(lark.JSON.marshal(data.event))
    happened("event", event_id=data.header.event_id, event_type=data.header.event_type, body=body)
    toast = {"type": "info", "content": data.event.action.value["say"]}
    return P2CardActionTriggerResponse({"toast": toast})


def dispatcher(encrypt_key, verification_token):
    return (
        lark.EventDispatcherHandler.builder(encrypt_key, verification_token)
        .register_p2_customized_event("vc.reserve_config.updated_v1", on_event)
        .register_p1_customized_event("app_status_change", on_event)
        .register_p2_card_action_trigger(on_card_action)
        .build()
    )


def end_with_stdin():
    """Ends this process when whoever started it is gone."""

    def wait():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
