# SPDX-License-Identifier: Apache-2.0
"""Answers whatever hooks ask, "/bad" with 500, and writes a line of each question to a file: hookserver.py FILE. Prints its port."""
import http.server
import sys

log = open(sys.argv[1], "a", buffering=1)


class Hooks(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        log.write("GET %s\n" % self.path)
        self.send_response(500 if self.path == "/bad" else 200)
        self.end_headers()

    def do_POST(self):
        log.write("POST %s %s\n" % (self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Hooks)
print(server.server_port, flush=True)
server.serve_forever()
