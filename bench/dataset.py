#!/usr/bin/env python3
"""Write the benchmark's dataset as RESP to stdout: the same bytes for the same arguments.

usage: bench/dataset.py [SCALE]     SCALE 1.0 (default): 1,000,000 strings of 100 random base64 bytes, 100,000 hashes of
10 fields, 10,000 each of lists, sets and sorted sets of 20 elements, and streams of 10 entries, every tenth with
a group and 5 pending entries. About 214 MB at scale 1.
"""
import random
import string
import sys

ALPHABET = string.ascii_letters + string.digits + "+/"


def main():
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rnd = random.Random(20)
    out = sys.stdout.buffer
    pending = []

    def text(n):
        return "".join(rnd.choices(ALPHABET, k=n))

    def put(*args):
        pending.append("*%d\r\n" % len(args))
        for a in args:
            pending.append("$%d\r\n%s\r\n" % (len(a), a))
        if len(pending) > 20000:
            out.write("".join(pending).encode())
            pending.clear()

    def count(n):
        return range(int(n * scale))

    for i in count(1000000):
        put("SET", "key:%010d" % i, text(100))
    for i in count(100000):
        put("HSET", "hash:%08d" % i, *[v for f in range(10) for v in ("field%d" % f, text(20))])
    for i in count(10000):
        put("RPUSH", "list:%08d" % i, *[text(20) for _ in range(20)])
        put("SADD", "set:%08d" % i, *[text(20) for _ in range(20)])
        put("ZADD", "zset:%08d" % i, *[v for _ in range(20) for v in (str(rnd.randrange(10**6)), text(20))])
        for e in range(1, 11):
            put("XADD", "stream:%08d" % i, "%d-1" % e, "sensor", text(8), "value", str(rnd.randrange(1000)))
        if i % 10 == 0:
            put("XGROUP", "CREATE", "stream:%08d" % i, "group", "5-1")
            for e in range(1, 6):
                put("XCLAIM", "stream:%08d" % i, "group", "worker", "0", "%d-1" % e, "TIME", "1700000000000",
                    "RETRYCOUNT", "1", "JUSTID", "FORCE")
    out.write("".join(pending).encode())


main()
