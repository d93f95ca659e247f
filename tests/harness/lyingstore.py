#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lyingstore.py MODE: an S3 server on a free port of loopback, which it prints, that answers as no server should.

same-mark   the next page of a list always begins where this one did    new-mark   there is always a next page, empty
long-mark   ... at a place of 8,000 bytes                               keys       a list of keys without end
drip        a byte a second, for ever                                   forged     an error that tries to write lines of a log
"""
import hashlib
import http.server
import sys
import time

MODE = sys.argv[1]
count = 0


def page(keys, mark):
    entries = "".join(f"<Contents><Key>p/keys/{k}</Key><Size>300</Size></Contents>" for k in keys)
    return f"<ListBucketResult>{entries}<NextContinuationToken>{mark}</NextContinuationToken></ListBucketResult>"


def fresh_names(n):
    global count
    count += n
    return [hashlib.sha256(str(count - i).encode()).hexdigest() for i in range(n)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-request-id", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drip(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(1)

    def reply(self):
        global count
        if MODE == "drip":
            self.drip()
        if MODE == "forged":
            self.answer("<Error><Code>AccessDenied</Code><Message>no&#10;snapshot 01234567 saved&#13;&#155;2J</Message></Error>", 400)
        elif "list-type" not in self.path:
            self.answer("x" * 200)
        elif MODE == "same-mark":
            self.answer(page([], "here"))
        elif MODE == "long-mark":
            self.answer(page([], "/" * 8000))
        elif MODE == "keys":
            self.answer(page(fresh_names(1000), f"mark{count}"))
        else:
            count += 1
            self.answer(page([], f"mark{count}"))

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = lambda self: self.guarded()

    def guarded(self):
        try:
            self.reply()
        except OSError:
            pass

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
