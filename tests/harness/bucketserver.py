#!/usr/bin/env python3
"""A bucket of S3 in memory, just enough to list and delete, that tells what it was asked.

usage: bucketserver.py LOG [KEY ...]     prints its port; requests go to LOG, as "METHOD path authorization body";
                                         the file LOG.deny makes it refuse, LOG.keys holds what it has
"""
import http.server
import os
import sys
import urllib.parse

log, keys = sys.argv[1], set(sys.argv[2:])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-amz-request-id", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with open(log, "ab") as f:
            f.write(b"%s %s %s %s\n" % (self.command.encode(), self.path.encode(),
                                        self.headers.get("authorization", "-").encode(), body))
        path, _, query = self.path.partition("?")
        key = urllib.parse.unquote(path).split("/", 2)[2] if path.count("/") > 1 else ""
        if os.path.exists(log + ".deny"):
            return self.answer(403, b"<Error><Code>AccessDenied</Code><Message>no such right</Message></Error>")
        if self.command == "DELETE":
            keys.discard(key)
            with open(log + ".keys", "w") as f:
                f.write("\n".join(sorted(keys)))
            return self.answer(204)
        if self.command == "GET" and "list-type" in query:
            prefix = urllib.parse.parse_qs(query).get("prefix", [""])[0]
            found = "".join(f"<Contents><Key>{k}</Key><Size>5</Size></Contents>" for k in sorted(keys)
                            if k.startswith(prefix))
            return self.answer(200, f"<ListBucketResult>{found}</ListBucketResult>".encode())
        self.answer(200 if key in keys else 404)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = handle_request

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
