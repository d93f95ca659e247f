# SPDX-License-Identifier: Apache-2.0
"""A Redis, or a server like it, of any version, on loopback, for tests in Python."""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from resp import Client, ReplyError


class Server:
    """`ask` is a client of it; None if it ended at once, as it does on a file that it does not take."""

    def __init__(self, program, folder, *options, rdb=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=folder))
        if rdb:
            shutil.copyfile(rdb, self.dir / "dump.rdb")
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        self.proc = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
                                      "--hz", "1", "--repl-diskless-sync-delay", "0", *options],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.ask = None
        while self.alive() and not self.ask:
            try:
                client = Client(port)
                client("PING")
                self.ask = client
            except (OSError, ReplyError):
                time.sleep(0.05)

    def alive(self):
        return self.proc.poll() is None

    def end(self):
        self.proc.kill()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
