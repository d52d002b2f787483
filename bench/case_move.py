"""Moving a fleet into PostgreSQL and out of it: by a copy, and by an import."""

import os
import shutil
import subprocess
import time

import fleet
from case_import import write_rows
from nodes import make_database, postgres, whole_cpu
from run import case
from servers import MUSTER


def timed(server, rows, *args):
    """One command, and what it cost the database until then."""
    database, began = whole_cpu(server), time.monotonic()
    command = subprocess.Popen([MUSTER, *args], stdout=subprocess.DEVNULL)
    _, status, own = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    if command.returncode:
        raise RuntimeError(f"muster {args[0]} ended with status {command.returncode}")
    lasted = time.monotonic() - began
    return {"per_second": rows / lasted, "own_us": (own.ru_utime + own.ru_stime) / rows * 1e6,
            "database_us": (whole_cpu(server) - database) / rows * 1e6, "megabytes": own.ru_maxrss / 1024}


def tell(run, of, row, found, at_least):
    run.value(f"{of}: {row}s per second", "", found["per_second"], at_least=at_least)
    run.value(f"{of}: CPU of the command per {row}", "µs", found["own_us"])
    run.value(f"{of}: CPU of the database per {row}", "µs", found["database_us"])
    run.value(f"{of}: resident, at most", "MB", found["megabytes"])


@case("Several nodes")
def cluster_copy(run):
    """`muster copy` of a directory into an empty database of PostgreSQL 15 with its sync on, and of this database into a new
    directory; each copy reads at the end what it has written, and compares. Once 3,000,000 messages of 20,000 devices; once
    100,000 devices with 13 months of activity, 20,000 users and bindings, and no messages"""
    part = 10 if run.quick else 1
    for kind, row, source, rows, at_least in (
            ("messages", "message", fleet.History(20000 // part, 3000000 // part), 3000000 // part, 100000),
            ("devices", "device", fleet.Fleet(100000 // part), 100000 // part, 20000)):
        with postgres(run.directory) as server:
            def there():
                server.execute(f"DROP DATABASE IF EXISTS {kind}")
                return timed(server, rows, "copy", "--quiet", "--from", source.data, "--to", make_database(server, kind))

            def back():
                directory = f"{run.directory}/back"
                try:
                    return timed(server, rows, "copy", "--quiet", "--from", server.uri(kind), "--to", directory)
                finally:
                    shutil.rmtree(directory, ignore_errors=True)

            own, other = run.turns(there, back)
        tell(run, f"{kind}: into the database", row, own, at_least)
        tell(run, f"{kind}: into a directory", row, other, at_least)


@case("Several nodes")
def cluster_import(run):
    """`muster import devices`, 100,000 rows of CSV into an empty database of PostgreSQL 15 with its sync on, while no node
    runs; then the same file again, which changes nothing"""
    rows, file = 10000 if run.quick else 100000, f"{run.directory}/devices.csv"
    write_rows(file, rows)
    with postgres(run.directory) as server:
        def first():
            server.execute("DROP DATABASE IF EXISTS imported")
            make_database(server, "imported")
            fleet.apply_content("--store", server.uri("imported"))
            return again()

        def again():
            return timed(server, rows, "import", "devices", "--quiet", "--store", server.uri("imported"), file)

        own, other = run.turns(first, again)
    tell(run, "new devices", "device", own, 20000)
    tell(run, "the same again", "device", other, 20000)
