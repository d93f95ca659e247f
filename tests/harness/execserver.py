# SPDX-License-Identifier: Apache-2.0
"""A kubelet's exec over WebSocket and TLS: execserver.py CERT KEY [TOKEN]; runs commands here."""
import base64, hashlib, json, socket, ssl, struct, subprocess, sys, threading, urllib.parse


def frame(op, data, fin=True):
    n = len(data)
    size = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
    return bytes([(0x80 if fin else 0) | op]) + size + data


def refuse(conn, status, message):
    body = json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": int(status.split()[0])})
    conn.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def send(conn, channel, data):
    for i in range(0, len(data), 40000):  # in fragments, with a ping between them
        part = bytes([channel]) + data[i:i + 40000]
        conn.sendall(frame(2, part[:7], False) + frame(9, b"hello") + frame(0, part[7:]))


def serve(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        more = conn.recv(4096)
        if not more:
            return
        head += more
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
    url = urllib.parse.urlsplit(lines[0].split()[1])
    query = urllib.parse.parse_qs(url.query)
    if len(sys.argv) > 3 and headers.get("authorization") != "Bearer " + sys.argv[3]:
        return refuse(conn, "401 Unauthorized", "Unauthorized")
    if not url.path.endswith("/namespaces/demo/pods/pod/exec"):
        return refuse(conn, "404 Not Found", "pods not found")
    if "v5.channel.k8s.io" not in headers["sec-websocket-protocol"]:
        return refuse(conn, "400 Bad Request", "no protocol")
    accept = hashlib.sha1((headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    conn.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: " + base64.b64encode(accept).decode() + "\r\n"
                  "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n").encode())
    done = subprocess.run(query["command"], capture_output=True)
    send(conn, 1, done.stdout)
    send(conn, 2, done.stderr)
    status = {"status": "Success"} if done.returncode == 0 else {
        "status": "Failure", "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(done.returncode)}]}}
    conn.sendall(frame(2, b"\x03" + json.dumps(status).encode()) + frame(8, b"\x03\xe8"))
    while conn.recv(4096):
        pass


def handle(raw, tls):
    try:
        with tls.wrap_socket(raw, server_side=True) as conn:
            serve(conn)
    except OSError:
        pass


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=handle, args=(listener.accept()[0], tls), daemon=True).start()
