#!/usr/bin/env python3
"""Compare what a Redis 7.0 holds with what a fixture's JSON says the original server held.

usage: fixture_check.py PORT FIXTURE.json.xz
Prints each difference; exit status 1 if there is one. What the JSON of an older server does not say (entries-added,
...) is not compared; expiry of hash fields is left out, since Redis 7.0 does not know it.
"""
import json
import lzma
import sys

from resp import Client

differences = 0


def differ(what, want, got):
    global differences
    differences += 1
    print("%s: want %.300r, got %.300r" % (what, want, got))


def text(b):
    return b.decode("latin-1") if isinstance(b, bytes) else b


def pairs(flat):
    return {text(flat[i]): flat[i + 1] for i in range(0, len(flat), 2)}


def read_zset(r, key):
    flat = r("ZRANGE", key, 0, -1, "WITHSCORES")
    return [[text(flat[i]), float(flat[i + 1])] for i in range(0, len(flat), 2)]


def read_value(r, key, kind):
    if kind == "string":
        return text(r("GET", key))
    if kind == "list":
        return [text(x) for x in r("LRANGE", key, 0, -1)]
    if kind == "set":
        return sorted(text(x) for x in r("SMEMBERS", key))
    if kind == "hash":
        return {k: text(v) for k, v in pairs(r("HGETALL", key)).items()}
    return [[text(i), [text(x) for x in f]] for i, f in r("XRANGE", key, "-", "+")]


def compare_stream(r, name, key, want):
    info = pairs(r("XINFO", "STREAM", key))
    for field, value in want["info"].items():
        got = text(info[field])
        if got != value:
            differ("%s %s" % (name, field), value, got)
    groups = {text(pairs(g)["name"]): pairs(g) for g in r("XINFO", "GROUPS", key)}
    if set(groups) != set(want["groups"]):
        differ(name + " groups", sorted(want["groups"]), sorted(groups))
        return
    for g, said in want["groups"].items():
        have = groups[g]
        for field in ("last-delivered-id", "entries-read", "pending", "consumers"):
            if field in said and text(have[field]) != said[field]:
                differ("%s group %s %s" % (name, g, field), said[field], text(have[field]))
        consumers = sorted(text(pairs(c)["name"]) for c in r("XINFO", "CONSUMERS", key, g))
        if consumers != sorted(said["consumer_names"]):
            differ("%s group %s consumers" % (name, g), said["consumer_names"], consumers)
        pending = [[text(p[0]), text(p[1]), p[3]] for p in r("XPENDING", key, g, "-", "+", 100000)]
        if pending != said["pending_entries"]:
            differ("%s group %s pending" % (name, g), said["pending_entries"], pending)


def normal(value, kind):
    if kind == "zset":
        return [[m, float(s)] for m, s in value]
    if kind == "stream":
        return [[i, f if isinstance(f, list) else [x for kv in f.items() for x in kv]] for i, f in value]
    return value


def compare_key(r, name, key, want):
    kind = text(r("TYPE", key))
    if kind != want["type"]:
        differ(name + " type", want["type"], kind)
        return
    value = normal(want["value"], kind)
    got = read_zset(r, key) if kind == "zset" else read_value(r, key, kind)
    if kind == "set":
        value = sorted(value)
    if got != value:
        differ(name, value, got)
    expires = r("PEXPIRETIME", key)
    slack = want.get("expire_at_ms_tolerance", 0)
    if abs(expires - want.get("expire_at_ms", -1)) > slack:
        differ(name + " expiry", want.get("expire_at_ms", -1), expires)
    if kind == "stream":
        compare_stream(r, name, key, want)


def main():
    r = Client(int(sys.argv[1]))
    want = json.load(lzma.open(sys.argv[2]))
    keys = 0
    for db, data in want["dbs"].items():
        r("SELECT", db)
        if r("DBSIZE") != len(data):
            differ("db%s size" % db, len(data), r("DBSIZE"))
        for key, said in data.items():
            compare_key(r, "db%s %r" % (db, key), key.encode("latin-1"), said)
            keys += 1
    libraries = sorted(text(pairs(x)["library_code"]) for x in r("FUNCTION", "LIST", "WITHCODE"))
    if libraries != sorted(want.get("functions", [])):
        differ("functions", want.get("functions"), libraries)
    print("%d keys compared, %d differences" % (keys, differences))
    sys.exit(1 if differences or not keys else 0)


main()
