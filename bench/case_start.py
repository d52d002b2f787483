"""How long a fleet is not served when the server starts anew, and what it takes then."""

import shutil
import time

import fleet
from run import case
from servers import Muster, cpu_seconds, resident_bytes


@case("Memory, start and growth")
def start(run):
    """A server opening 1,000,000 devices with 13 months of activity, until `muster ready`; it had ended cleanly"""
    sample = fleet.Fleet(100000 if run.quick else 1000000)
    data = sample.copy(run.directory)

    def once():
        began = time.monotonic()
        with Muster(data) as muster:
            return {"seconds": time.monotonic() - began, "cpu": cpu_seconds(muster.pid),
                    "megabytes": resident_bytes(muster.pid) / 1e6}

    once()  # what the fleet's maker left in the log file goes into tables
    (own,) = run.turns(once)
    shutil.rmtree(data)
    run.value("until ready", "s", own["seconds"], at_most=2)
    run.value("CPU", "s", own["cpu"])
    run.value("resident", "MB", own["megabytes"], at_most=250)
