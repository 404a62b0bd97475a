"""A command as a shell runs it, in a process of tests/warm.py: hands it our streams, and ends as it ends."""

import json
import os
import signal
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
words = ["-m", "expctl", *sys.argv[2:]]
folder = os.getcwd()  # noqa: PTH109 (pathlib takes longer to import than all of this)
asked = {"words": words, "folder": folder, "env": dict(os.environ), "adopt": False, "session": False}
socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
connection.shutdown(socket.SHUT_WR)
code = int(connection.recv(64) or b"1")
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
