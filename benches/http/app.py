"""The official Python SDK behind its Flask adapter: a handler that does nothing but count."""

import os

import lark_oapi as lark
from flask import Flask
from lark_oapi.adapter.flask import parse_req, parse_resp

handled = 0


def on_updated(event):
    global handled
    handled += 1


app = Flask(__name__)
handler = (
    lark.EventDispatcherHandler.builder(
        os.environ["LARK_ENCRYPT_KEY"], os.environ["LARK_VERIFICATION_TOKEN"]
    )
    .register_p2_vc_reserve_config_updated_v1(on_updated)
    .build()
)


@app.post("/webhook/event")
def event():
    return parse_resp(handler.do(parse_req()))
