"""An app behind the Flask adapter of the official Python SDK."""

import os

from flask import Flask
from lark_oapi.adapter.flask import parse_req, parse_resp
from werkzeug.serving import make_server

from handlers import dispatcher, end_with_stdin, happened

PATH = "/webhook/event"

end_with_stdin()
app = Flask(__name__)
handler = dispatcher(os.environ["ENCRYPT_KEY"], os.environ["VERIFICATION_TOKEN"])


@app.post(PATH)
def event():
    return parse_resp(handler.do(parse_req()))


server = make_server("127.0.0.1", 0, app)
happened("listening", url=f"http://127.0.0.1:{server.port}{PATH}")
server.serve_forever()
