"""The app of `cargo xtask bench-ws` on the official Python SDK: a typed handler that does nothing."""

import os

import lark_oapi as lark

dispatcher = (
    lark.EventDispatcherHandler.builder("", "")
    .register_p2_vc_reserve_config_updated_v1(lambda event: None)
    .build()
)
lark.ws.Client(
    os.environ["APP_ID"],
    os.environ["APP_SECRET"],
    event_handler=dispatcher,
    domain=os.environ["BASE_URL"],
    # Lines cost time, and no other client writes any.
    log_level=lark.LogLevel.ERROR,
).start()
