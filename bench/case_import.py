"""Bringing in a fleet that is known already."""

import csv
import os
import resource
import shutil
import subprocess
import time

import fleet
from run import case
from servers import MUSTER, Muster

FIELDS = ("product_key", "mac", "did", "passcode", "created_at", "country", "region", "city", "longitude", "latitude")
# The registry's table and indexes, as far as the file has something for them.
PEER = """CREATE TABLE device (product_key TEXT NOT NULL, mac TEXT NOT NULL, did TEXT NOT NULL UNIQUE,
  passcode TEXT NOT NULL, created_at INTEGER NOT NULL, country TEXT NOT NULL, region TEXT NOT NULL, city TEXT NOT NULL,
  longitude REAL, latitude REAL);
CREATE UNIQUE INDEX device_mac ON device (product_key, mac, passcode);
CREATE UNIQUE INDEX device_enabled ON device (product_key, mac);
"""


def write_rows(file, devices):
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    with open(file, "w", encoding="utf-8", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(FIELDS)
        for no in range(devices):
            did, n = "", (no + 1) * 0x9E3779B97F4A7C15D1B54A32D192ED03 % 57 ** 22
            for _ in range(22):
                n, digit = divmod(n, 57)
                did += alphabet[digit]
            rows.writerow((fleet.KEY, f"{no * 7:012x}", did, f"{no * 2654435761 % 10 ** 10:010}", 1505789918 + no,
                           "China", f"Region {no % 30}", f"City {no % 300}", 113.28, 23.125))


def ended_seconds():
    """CPU of the processes that were started here and have ended."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


@case("Memory, start and growth")
def import_devices(run):
    """`muster import devices`, 1,000,000 rows of CSV into a directory at rest, each checked as `apply` checks it;
    `sqlite3 .import` of the same file into a table with the same columns and indexes"""
    devices = 100000 if run.quick else 1000000
    file = f"{run.directory}/devices.csv"
    write_rows(file, devices)

    def own():
        data = f"{run.directory}/data"
        with Muster(data) as muster:
            muster.apply(fleet.content())
        try:
            return timed([MUSTER, "import", "devices", "--data", data, file])
        finally:
            shutil.rmtree(data)

    def peer():
        database = f"{run.directory}/peer.db"
        subprocess.run(["sqlite3", database, PEER], check=True)
        try:
            return timed(["sqlite3", database, "-cmd", ".mode csv", f".import --skip 1 {file} device"])
        finally:
            os.remove(database)

    def timed(args):
        before, began = ended_seconds(), time.monotonic()
        subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
        return {"per_second": devices / (time.monotonic() - began),
                "cpu_us": (ended_seconds() - before) / devices * 1e6}

    mine, other = run.turns(own, peer)
    run.against("rows per second", "", mine["per_second"], other["per_second"], at_least=0.3)
    run.against("CPU per row", "µs", mine["cpu_us"], other["cpu_us"])
