"""How gunicorn runs `app.py`: one process that handles one request at a time."""

import os

bind = os.environ["LISTEN_ADDR"]
chdir = os.path.dirname(os.path.abspath(__file__))
control_socket_disable = True  # it would be in the home folder
worker_class = "sync"
workers = 1
