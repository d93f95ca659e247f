#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: cluster_fill.py PORT KEYS [lasting] [timeless]

Writes keys of every type to the cluster of which the node at PORT of 127.0.0.1 is one, each to the owner of its slot,
some with hash tags and with expiries (MIGRATE changes these by a millisecond: `lasting` makes none), and one library to
every master. Consumers of streams have times of their own, which a server that starts from its log of commands makes anew:
`timeless` makes none.
"""
import socket
import sys


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def slot(key):
    if "{" in key and "}" in key.split("{", 1)[1]:
        tag = key.split("{", 1)[1].split("}", 1)[0]
        key = tag or key
    return crc16(key.encode()) % 16384


class Node:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.file = self.sock.makefile("rb")
        self.out, self.sent = [], 0

    def add(self, *words):
        data = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.out.append(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(d), d) for d in data))
        self.sent += 1
        if self.sent == 500:
            self.flush()

    def flush(self):
        self.sock.sendall(b"".join(self.out))
        replies = [self.reply() for _ in range(self.sent)]
        self.out, self.sent = [], 0
        return replies

    def version(self):
        self.add("INFO", "server")
        text = self.flush()[0].decode()
        return [int(n) for n in text.split("redis_version:")[1].split()[0].split(".")]

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise SystemExit(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return rest


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    seed = Node(port)
    functions = tuple(seed.version()) >= (7,)
    seed.add("CLUSTER", "SLOTS")
    owner, nodes = {}, {}
    for one in seed.flush()[0]:
        at = int(one[2][1])
        nodes.setdefault(at, None)
        for s in range(int(one[0]), int(one[1]) + 1):
            owner[s] = at
    for at in nodes:
        nodes[at] = Node(at)
        if functions:
            nodes[at].add("FUNCTION", "LOAD", "REPLACE",
                          "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    makers = [
        lambda n, k, i: n.add("SET", k, "value %d" % i),
        lambda n, k, i: n.add("RPUSH", k, *("e%d" % j for j in range(i % 7 + 1))),
        lambda n, k, i: n.add("SADD", k, *(j * i for j in range(i % 5 + 1))),
        lambda n, k, i: n.add("ZADD", k, 1.5, "a", i, "b", "-inf", "c"),
        lambda n, k, i: n.add("HSET", k, "f", i, "g", "x" * (i % 90)),
        lambda n, k, i: (n.add("XADD", k, "1-1", "f", i), n.add("XGROUP", "CREATE", k, "readers", "0"),
                         n.add("XREADGROUP", "GROUP", "readers", "alice", "COUNT", 1, "STREAMS", k, ">")),
        lambda n, k, i: n.add("PFADD", k, i, i + 1),
        lambda n, k, i: n.add("SET", k, "x" * 20 + str(i), "PXAT", 4102444800123),
    ]
    if "timeless" in sys.argv[3:]:
        makers[5] = lambda n, k, i: (n.add("XADD", k, "1-1", "f", i), n.add("XGROUP", "CREATE", k, "readers", "0"))
    if "lasting" in sys.argv[3:]:
        makers.pop()
    for i in range(count):
        key = "{user%d}:%d" % (i % 97, i) if i % 4 == 0 else "key:%d" % i
        makers[i % len(makers)](nodes[owner[slot(key)]], key, i)
    for node in nodes.values():
        node.flush()


main()
