#!/usr/bin/env python3
"""restic_lock.py REPOSITORY: leave an exclusive lock that the real restic wrote.

`restic check` holds an exclusive lock; it is killed while it does.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

repo = pathlib.Path(sys.argv[1])
while True:
    proc = subprocess.Popen(["restic", "-r", str(repo), "check", "--read-data"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    while proc.poll() is None:
        locks = list((repo / "locks").iterdir())
        whole = [p for p in locks if len(p.name) == 64]
        if whole:
            os.kill(proc.pid, signal.SIGKILL)
            proc.wait()
            if whole[0].exists():
                print(whole[0].name)
                sys.exit(0)
        time.sleep(0.001)
