#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data of every kind that a server knows, and what a server holds, read by its own commands alone.

usage: tests/harness/dataset.py PORT     fill the server there
"""
import codecs
import sys
import time

from resp import Client, ReplyError

LATER_MS = 4102444800123  # in 2100
LATER_S = 4102444800

# What a server may know, by a command that it then has. Streams and functions are also those of their types.
KINDS = {
    "streams": "XADD",
    "stream counters": "FUNCTION",  # of Redis 7.0 too
    "functions": "FUNCTION",
    "field expiry": "HPEXPIREAT",
    "JSON": "JSON.SET",
    "Bloom filters": "BF.ADD",
    "cuckoo filters": "CF.ADD",
    "count-min sketches": "CMS.INITBYDIM",
    "top-k": "TOPK.RESERVE",
    "t-digests": "TDIGEST.CREATE",
    "time series": "TS.ADD",
    "search indexes": "FT.CREATE",
    "vector sets": "VADD",
    "vector sets of 8.2": "XDELEX",  # whose values Redis 8.0 does not take
    "graphs": "GRAPH.QUERY",
}

# One command a line; escapes as in C, "" is empty. The name of the block is a kind, or a command that the server has.
BLOCKS = {
    "GET": rf"""
        SET plain value
        SET "" the-empty-key
        SET empty ""
        SET number 12345
        SET float 3.0e3
        SET odd\x00\r\n"key" \xff\x00\r\n
        SET lasting v
        PEXPIREAT lasting {LATER_MS}
        SETBIT bits 100000 1
        PFADD hll a b c
        SETRANGE giant 9000000 end
        RPUSH list a 1 -5 "" \x00
        SADD ints 1 2 70000 -9223372036854775808
        SADD words a b ""
        ZADD scores -inf low 1.5 mid 0.1 tenth inf high 3 three -1e-300 tiny
        HMSET hash f v "" e g ""
        EXPIREAT hash {LATER_S}
        SELECT 3
        SET other three
        SELECT 0""",
    "GEOADD": r"""
        GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania""",
    "streams": r"""
        XADD stream 1-1 f v
        XADD stream 2-5 a b c d
        XADD stream 3-1 gone soon
        XDEL stream 3-1
        XGROUP CREATE stream readers 0
        XREADGROUP GROUP readers alice COUNT 1 STREAMS stream >
        XREADGROUP GROUP readers idle STREAMS stream 0
        XADD nothing 5-5 f v
        XTRIM nothing MAXLEN 0
        XADD capped 1-1 f v
        XADD capped 2-1 f v
        XADD capped 3-1 f v
        XADD capped 4-1 f v
        XADD capped 5-1 f v
        XADD capped 6-1 f v
        XGROUP CREATE capped g 0
        XGROUP CREATE capped h 0
        XREADGROUP GROUP g alice STREAMS capped >
        XREADGROUP GROUP h bob COUNT 4 STREAMS capped >
        XTRIM capped MAXLEN 4
        XDEL capped 4-1 6-1
        XADD emptied 1-1 f v
        XGROUP CREATE emptied g 0
        XREADGROUP GROUP g carol STREAMS emptied >
        XTRIM emptied MAXLEN 0
        XREADGROUP GROUP many bob COUNT 150 STREAMS longstream >""",
    "XCFGSET": r"""
        XADD once IDMP producer 1 * f v""",
    "functions": r"""
        FUNCTION LOAD #!lua\x20name=lib\nredis.register_function('f',\x20function()\x20return\x201\x20end)""",
    "field expiry": rf"""
        HMSET fields f v g w h x
        HPEXPIREAT fields {LATER_MS} FIELDS 1 f
        HEXPIREAT fields {LATER_S} FIELDS 1 g
        HPEXPIREAT bigfields {LATER_MS} FIELDS 2 field-1 field-600""",
    "JSON": r"""
        JSON.SET json $ {"a":[1,2.5,null,true,"x\\ny"],"b":{"":{}}}""",
    "Bloom filters": r"""
        BF.RESERVE bloom 0.01 100
        BF.MADD bloom a b c""",
    "cuckoo filters": r"""
        CF.RESERVE cuckoo 100
        CF.ADD cuckoo a
        CF.ADD cuckoo b""",
    "count-min sketches": r"""
        CMS.INITBYDIM sketch 50 5
        CMS.INCRBY sketch a 3 b 4""",
    "top-k": r"""
        TOPK.RESERVE top 2
        TOPK.ADD top a b b c c c""",
    "t-digests": r"""
        TDIGEST.CREATE digest
        TDIGEST.ADD digest 1 2 3 100""",
    "time series": r"""
        TS.CREATE series RETENTION 0 LABELS place here
        TS.CREATE hourly LABELS place here
        TS.CREATERULE series hourly AGGREGATION avg 3600000
        TS.ADD series 1000 1.5
        TS.ADD series 2000 2.5
        TS.ADD series 7200000 3""",
    "search indexes": r"""
        FT.CREATE index ON HASH PREFIX 1 big SCHEMA field-1 TEXT""",
    "vector sets": r"""
        VADD vectors VALUES 3 1 0 0 a SETATTR {"x":1}
        VADD vectors VALUES 3 0 1 0 b
        VADD exact VALUES 2 0.5 0.25 a NOQUANT
        VADD bits-of-vectors VALUES 8 1 -1 1 -1 1 1 1 -1 a BIN""",
    "graphs": r"""
        GRAPH.QUERY graph CREATE\x20(:P\x20{name:'Ann'})-[:KNOWS\x20{since:1999}]->(:P\x20{name:'Bob'})""",
}

# What a value of a module is, by commands that name the key K.
MODULE_ANSWERS = {
    b"ReJSON-RL": ["JSON.GET K"],
    b"MBbloom--": ["BF.INFO K", "BF.SCANDUMP K 0", "BF.SCANDUMP K 1"],
    b"MBbloomCF": ["CF.INFO K", "CF.SCANDUMP K 0", "CF.SCANDUMP K 1"],
    b"CMSk-TYPE": ["CMS.INFO K", "CMS.QUERY K a b c"],
    b"TopK-TYPE": ["TOPK.INFO K", "TOPK.LIST K WITHCOUNT"],
    b"TDIS-TYPE": ["TDIGEST.QUANTILE K 0 0.3 0.5 1", "TDIGEST.RANK K 1 50", "TDIGEST.TRIMMED_MEAN K 0 1"],
    b"TSDB-TYPE": ["TS.INFO K", "TS.RANGE K - +"],
    b"vectorset": ["VCARD K", "VDIM K", "VEMB K a", "VEMB K b", "VGETATTR K a", "VSIM K ELE a WITHSCORES"],
    b"graphdata": [r"GRAPH.RO_QUERY K MATCH\x20(a)-[r]->(b)\x20RETURN\x20labels(a),a.name,type(r),r.since,b.name"],
}
KINDS_OF_TYPE = {b"stream": {"streams"}, b"ReJSON-RL": {"JSON"}, b"MBbloom--": {"Bloom filters"},
                 b"MBbloomCF": {"cuckoo filters"}, b"CMSk-TYPE": {"count-min sketches"}, b"TopK-TYPE": {"top-k"},
                 b"TDIS-TYPE": {"t-digests"}, b"TSDB-TYPE": {"time series"}, b"graphdata": {"graphs"},
                 b"vectorset": {"vector sets", "vector sets of 8.2"}}


class Moment:
    """A time in ms; where the server does not tell it exactly, equal to those close by."""

    def __init__(self, at, exact):
        self.at, self.exact = at, exact

    def __eq__(self, other):
        slack = 0 if self.exact and other.exact else 2000
        return isinstance(other, Moment) and abs(self.at - other.at) <= slack

    def __repr__(self):
        return f"{self.at}{'' if self.exact else '?'}"


def words(line):
    return [b"" if w == '""' else codecs.escape_decode(w)[0] for w in line.split()]


def has(ask, command):
    reply = ask("COMMAND", "INFO", command)
    return bool(reply and reply[0])


def kinds(ask):
    return {kind for kind, command in KINDS.items() if has(ask, command)}


def fill(ask):
    """Also collections that are too long to be packed."""
    known = kinds(ask)
    n = range(1, 2001)
    pipe = [["SELECT", 0]]
    pipe += [[verb, key, *args] for i in n for verb, key, *args in (
        ("RPUSH", "biglist", f"element-{i}"), ("SADD", "bigset", f"member-{i}"), ("SADD", "bigints", i * 7 - 500),
        ("ZADD", "bigzset", i + 0.25, f"member-{i}"), ("HSET", "bighash", f"field-{i}", f"value-{i}"))]
    pipe += [["RPUSH", "biglist", b"\xf0" * 20000, "\0" * 9000]]
    if "streams" in known:
        pipe += [["XADD", "longstream", f"{i}-1", "n", i] for i in range(1, 301)] + [["XGROUP", "CREATE", "longstream", "many", 0]]
    if "field expiry" in known:
        pipe += [["HSET", "bigfields", f"field-{i}", i] for i in range(1, 601)]
    for block, text in BLOCKS.items():
        if block in known or (block not in KINDS and has(ask, block)):
            pipe += [words(line) for line in text.strip().splitlines()]
    for args in pipe:
        ask.send(*args)
    for _ in pipe:
        ask.reply()
    if "graphs" in known:
        forget_question(ask, b"graph")


def forget_question(ask, graph):
    """FalkorDB writes down what it was asked, some time later, in a key."""
    for _ in range(400):
        if ask("DEL", b"telemetry{%s}" % graph):
            return
        time.sleep(0.05)


def without(reply, names):
    """Lists of names and values, in any order, without some."""
    if isinstance(reply, dict):
        return {n: v for n, v in reply.items() if n not in names}
    if not isinstance(reply, list):
        return reply
    if len(reply) % 2 == 0 and all(isinstance(n, bytes) for n in reply[::2]):
        return {n: without(v, names) for n, v in zip(reply[::2], reply[1::2]) if n not in names}
    return [without(x, names) for x in reply]


class Reader:
    """What a server holds."""

    def __init__(self, ask):
        self.ask = ask
        self.kinds = kinds(ask)
        self.expiretime = has(ask, "PEXPIRETIME")

    def facts(self):
        """{(database, key): [type, value, expiry]}, and the libraries of functions."""
        ask, found = self.ask, {"functions": []}
        for db in range(16):
            ask("SELECT", db)
            for key in ask("KEYS", "*"):
                kind = ask("TYPE", key)
                found[db, key] = [kind, self.value(kind, key), self.expiry(key)]
        if "functions" in self.kinds:
            found["functions"] = sorted(map(repr, ask("FUNCTION", "LIST", "WITHCODE")))
        return found

    def now(self):
        s, us = map(int, self.ask("TIME"))
        return s * 1000 + us // 1000

    def expiry(self, key):
        if self.expiretime:
            at = self.ask("PEXPIRETIME", key)
            return None if at < 0 else Moment(at, True)
        left = self.ask("PTTL", key)
        return None if left < 0 else Moment(self.now() + left, False)

    def value(self, kind, key):
        ask = self.ask
        if kind == b"string":
            return ask("GET", key)
        if kind == b"list":
            return ask("LRANGE", key, 0, -1)
        if kind == b"set":
            return sorted(ask("SMEMBERS", key))
        if kind == b"zset":
            flat = ask("ZRANGE", key, 0, -1, "WITHSCORES")
            return list(zip(flat[::2], map(float, flat[1::2])))
        if kind == b"hash":
            return self.hash(key)
        if kind == b"stream":
            return self.stream(key)
        return [without(self.answer([key if w == b"K" else w for w in words(line)]), {b"memoryUsage"})
                for line in MODULE_ANSWERS[kind]]

    def answer(self, command):
        reply = self.ask(*command)
        if command[0] != b"GRAPH.RO_QUERY":
            return reply
        forget_question(self.ask, command[1])
        return reply[:2]  # what follows is how long it took

    def hash(self, key):
        flat = self.ask("HGETALL", key)
        pairs = sorted(zip(flat[::2], flat[1::2]))
        if "field expiry" not in self.kinds:
            return [pairs, []]
        times = self.ask("HPEXPIRETIME", key, "FIELDS", len(pairs), *[f for f, _ in pairs])
        return [pairs, [(f, at) for (f, _), at in zip(pairs, times) if at >= 0]]

    def stream(self, key):
        ask = self.ask
        whole = without(ask("XINFO", "STREAM", key), set())
        counted = {b"entries-added", b"max-deleted-entry-id"}
        groups = []
        for group in ask("XINFO", "GROUPS", key):
            group = without(group, set())
            name = group[b"name"]
            consumers = sorted((c[b"name"], c[b"pending"]) for c in
                               (without(c, set()) for c in ask("XINFO", "CONSUMERS", key, name)))
            now = self.now()
            pending = [[entry, who, Moment(now - idle, False), times]
                       for entry, who, idle, times in ask("XPENDING", key, name, "-", "+", 1000)]
            groups.append([name, group[b"last-delivered-id"], consumers, pending, group.get(b"entries-read")])
        return [ask("XRANGE", key, "-", "+"), whole[b"last-generated-id"], groups,
                {n: v for n, v in whole.items() if n in counted}]


def project(facts, lacking):
    """The facts that a server can hold which does not know some kinds."""
    left = {"functions": [] if "functions" in lacking else facts["functions"]}
    for name in facts.keys() - left.keys():
        kind, value, expiry = facts[name]
        if KINDS_OF_TYPE.get(kind, set()) & lacking:
            continue
        if kind == b"hash" and "field expiry" in lacking:
            value = [value[0], []]
        if kind == b"stream" and "stream counters" in lacking:
            value = [*value[:2], [[*g[:-1], None] for g in value[2]], {}]
        if kind == b"TSDB-TYPE" and "compaction rules" in lacking:
            value = [without(value[0], {b"rules", b"sourceKey"}), value[1]]
        left[name] = [kind, value, expiry]
    return left


if __name__ == "__main__":
    fill(Client(int(sys.argv[1])))
