#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""forget.py snapshots N SEED: lines for "repo_tool plant", years of them, over hosts, paths, tags, zones and summer time.
forget.py policies N SEED: options of forget, a line each.
forget.py compare CSTASH RESTIC POLICY: do both decide the same? With --dry-run, on $RESTIC_REPOSITORY. Prints differences."""
import datetime
import json
import random
import re
import shlex
import subprocess
import sys
import zoneinfo

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Apia"]


def snapshots(n, rng):
    for _ in range(n):
        zone = zoneinfo.ZoneInfo(rng.choice(ZONES))
        ago = datetime.timedelta(seconds=rng.choice([rng.uniform(0, 3e5), rng.uniform(0, 1e7), rng.uniform(0, 2e8)]))
        when = (datetime.datetime(2026, 3, 30, 12, tzinfo=datetime.timezone.utc) - ago).astimezone(zone)
        if rng.random() < 0.1:  # around a change of summer time
            when = datetime.datetime(rng.randint(2020, 2025), rng.choice([3, 4, 10]), rng.randint(25, 30), rng.randint(0, 4), rng.randint(0, 59), tzinfo=zone)
        path = rng.choice(["/dump", "/dump,/other", "/other,/dump", "/x"])
        tags = ",".join(rng.sample(["a", "b", "c"], rng.randint(0, 3)))
        print(f"{when.isoformat()}|{rng.choice(['h1', 'h2'])}|{path}|{tags}")


def span(rng):
    return rng.choice(["1h", "36h", "1d", "10d", "1m", "2m15d", "11m", "1y", "1y5m7d2h", "7y"])


def policies(n, rng):
    periods = ["last", "hourly", "daily", "weekly", "monthly", "yearly"]
    for _ in range(n):
        words = [f"--keep-{p}={rng.choice([1, 2, 3, 5, 10, 30])}" for p in rng.sample(periods, rng.randint(0, 4))]
        words += [f"--keep-within-{p}={span(rng)}" for p in rng.sample(periods[1:], rng.choice([0, 0, 1, 2]))]
        words += [f"--keep-within={span(rng)}"] * (rng.random() < 0.2)
        words += ["--keep-tag=" + t for t in rng.sample(["a", "a,b", "c", ""], rng.choice([0, 0, 0, 1, 2]))]
        words = words or ["--keep-last=1"]
        words += rng.choice([[], [], ["--group-by="], ["--group-by=host"], ["--group-by=tags"], ["--group-by=host,paths,tags"]])
        words += rng.choice([[], [], [], ["--host=h1"], ["--tag=a"], ["--tag=a,b", "--tag=c"], ["--path=/dump"]])
        print(shlex.join(words))


def decisions(program, policy):
    out = subprocess.run([*program, "forget", "--dry-run", "--json", *shlex.split(policy)], capture_output=True, text=True)
    if out.returncode:
        if "refusing to delete last snapshot" in out.stderr or "nothing would be left" in out.stderr:
            return "all of a group"
        sys.exit(f"{program[0]} {policy}: {out.stderr}")
    groups = {}
    for g in json.loads(out.stdout.splitlines()[0] if "\n" in out.stdout else out.stdout):
        why = {r["snapshot"].get("id", i): r["matches"] for i, r in zip((s["id"] for s in g["keep"] or []), g["reasons"] or [])}
        key = (g["host"], tuple(g["paths"] or []), tuple(g["tags"] or []))
        groups[key] = ({i: tuple(m) for i, m in why.items()}, {s["id"] for s in g["remove"] or []})
    return groups


def as_before_0_16(groups):
    """Without what is kept, or kept for one reason more, as the oldest; and it let a group go whole."""
    out = {}
    for key, (keep, remove) in groups.items():
        why = {i: tuple(m for m in all if not m.startswith("oldest ")) for i, all in keep.items()}
        out[key] = ({i: m for i, m in why.items() if m}, remove | {i for i, m in why.items() if not m})
    return out


def compare(cstash, restic, policy):
    version = subprocess.run([restic, "version"], capture_output=True, text=True).stdout
    old = tuple(map(int, re.search(r"(\d+)\.(\d+)", version).groups())) < (0, 16)
    ours = decisions([cstash], policy + " --unsafe-allow-remove-all" * old)
    theirs = decisions([restic, "--no-lock", "--no-cache", "-q"], policy)
    if old:
        ours = as_before_0_16(ours)
    if ours != theirs:
        for key in set(ours) | set(theirs) if isinstance(ours, dict) and isinstance(theirs, dict) else []:
            a, b = ours.get(key), theirs.get(key)
            print(*(f"{key} {i[:8]}: ours {a and a[0].get(i)}, theirs {b and b[0].get(i)}" for i in
                    set(a and a[0] or []) | set(b and b[0] or []) if (a and a[0].get(i)) != (b and b[0].get(i))), sep="\n")
        sys.exit(f"they differ: {policy}")


if sys.argv[1] == "compare":
    compare(*sys.argv[2:])
else:
    globals()[sys.argv[1]](int(sys.argv[2]), random.Random(int(sys.argv[3])))
