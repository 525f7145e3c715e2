"""An app on the long connection of the official Python SDK."""

import os

import lark_oapi as lark

from handlers import dispatcher, end_with_stdin, happened

end_with_stdin()
client = lark.ws.Client(
    os.environ["APP_ID"],
    os.environ["APP_SECRET"],
    event_handler=dispatcher("", ""),
    domain=os.environ["BASE_URL"],
    # What it says below that has the URL of the connection in it.
    log_level=lark.LogLevel.ERROR,
)
try:
    client.start()
except Exception as error:
    happened("gave up", error=f"{type(error).__name__}: {error}")
