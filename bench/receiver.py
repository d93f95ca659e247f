#!/usr/bin/env python3
"""receiver.py PORT: attach as a replica, read the snapshot with 1 MiB reads, throw it away. The least any dump costs."""
import socket
import sys

s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
f = b""


def line():
    global f
    while b"\n" not in f:
        f += s.recv(65536)
    one, f = f.split(b"\n", 1)
    return one.strip()


for command in ("REPLCONF capa eof capa psync2", "REPLCONF rdb-only 1", "REPLCONF rdb-no-compress 1"):
    s.sendall(command.encode() + b"\r\n")
    line()
s.sendall(b"PSYNC ? -1\r\n")
while not line().startswith(b"+FULLRESYNC"):
    pass
head = b""
while not head:
    head = line()
mark = head[5:45] if head.startswith(b"$EOF:") else None
left = None if mark else int(head[1:]) - len(f)
tail = f[-80:]
buf = bytearray(1 << 20)
while left is None or left > 0:
    n = s.recv_into(buf)
    if n == 0:
        sys.exit("cut")
    if left is not None:
        left -= n
    else:
        tail = (tail + bytes(buf[max(0, n - 80):n]))[-80:]
        if tail.rstrip(b"\n").endswith(mark):
            break
