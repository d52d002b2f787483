"""Servers that live on another day: the wall clock of a server's process is moved, nothing else."""

import contextlib
import datetime
import glob
import os
import subprocess
import time
import zoneinfo

from server import BINARY

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")


def library():
    """libfaketime, which the package faketime brings."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    assert found, "the package faketime is not installed (script/bootstrap)"
    return found[0]


def sanitizer():
    """A sanitized binary wants its runtime to be loaded first."""
    linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in linked.splitlines() if "libasan" in line or "libtsan" in line]


def at(text, zone=SHANGHAI):
    """Unix seconds of a moment such as "2026-12-31 10:00", as clocks of the zone show it. One that they show twice is told
    apart by its offset: "2026-10-25 02:30+01:00"."""
    moment = datetime.datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def environment(unix_s):
    """What makes a process that starts now take it for that moment; its clock runs on from there."""
    return {"LD_PRELOAD": " ".join([*sanitizer(), library()]), "FAKETIME": f"{int(unix_s) - int(time.time()):+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def tidy():
    """Removes what libfaketime has left in memory of processes that were killed."""
    for path in glob.glob("/dev/shm/*faketime_*"):
        pid = path.rsplit("_", 1)[1]
        if not os.path.exists(f"/proc/{pid}"):
            with contextlib.suppress(OSError):  # another run has removed it, or it is another user's
                os.remove(path)


def restart_at(server, unix_s, kill=False):
    """Ends the server, if it runs, and starts it at another moment."""
    if kill:
        server.kill()
    else:
        assert server.stop() == 0, server.log_text()
    server.env = environment(unix_s)
    return server.start()
