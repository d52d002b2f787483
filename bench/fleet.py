"""The sample fleet of so many devices (sample.h): a data directory, and the same in an SQLite database.

Made once a day and kept in the build folder: making a million devices takes minutes. A case that changes it
takes a copy."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import urllib.request

import load
import nodes
from servers import BUILD, DEFINITION, MUSTER, Muster

KEPT = os.path.join(BUILD, "bench-fleets")
MAKE_FLEET, MAKE_PEER, MAKE_MESSAGES, SERVE_ONLINE, ROCKS_BENCH = [
    os.path.join(BUILD, "bench", name) for name in ("make_fleet", "make_peer", "make_messages", "serve_online",
                                                    "rocks_bench")]
ENTERPRISE, SECRET = "e" * 32, "5" * 32
ENTERPRISE_HEADERS = [f"X-Gizwits-Enterprise-ID: {ENTERPRISE}", f"X-Gizwits-Enterprise-Secret: {SECRET}"]
PRODUCTS = [f"{n:032x}" for n in range(1, 6)]  # 70, 12, 8, 6 and 4 % of the devices
KEY = PRODUCTS[0]
GROUPS = {"root": 1, "tenth": 2, "hundredth": 12, "leaf": 400}  # of the first product's tree, by their share


def gid(share):
    return f"{GROUPS[share]:032x}"


def content():
    """What an operator would apply."""
    with open(DEFINITION, encoding="utf-8") as f:
        definition = json.load(f)
    return {"enterprises": [{"enterprise_id": ENTERPRISE, "enterprise_secret": SECRET, "name": "Bench",
                             "hourly_quota": 1000000000, "product_keys": PRODUCTS}],
            "products": [{"product_key": key, "product_secret": key[::-1], "name": f"Product {i}",
                          "remote_control": True, "datapoint": {**definition, "product_key": key}}
                         for i, key in enumerate(PRODUCTS, 1)],
            "apps": [{"appid": "a" * 32, "name": "App", "product_keys": PRODUCTS}]}


def _key():
    """Fleets that other programs made, or on another day, are not ours."""
    digest = hashlib.sha256(time.strftime("%Y-%m-%d").encode())
    for tool in (MAKE_FLEET, MAKE_PEER, MAKE_MESSAGES):
        with open(tool, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:16]


def apply_content(*where):
    subprocess.run([MUSTER, "apply", *where, "-"], input=json.dumps(content()), text=True, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _make(data, devices, now, zone):
    apply_content("--create", "--data", data)
    subprocess.run([MAKE_FLEET, data, DEFINITION, str(devices), str(now), zone], check=True)


class Fleet:
    """data: a directory that nobody writes to; peer: the SQLite file, made when first asked for."""

    zone = "Asia/Shanghai"

    def __init__(self, devices):
        self.devices = devices
        key = _key()
        if os.path.isdir(KEPT):
            for name in os.listdir(KEPT):
                if name != key:
                    shutil.rmtree(os.path.join(KEPT, name))
        self.home = os.path.join(KEPT, key, self.name())
        self.data = os.path.join(self.home, "data")
        stamp = os.path.join(self.home, "now")
        if not os.path.exists(stamp):
            shutil.rmtree(self.home, ignore_errors=True)
            os.makedirs(self.home)
            print(f"  (making {self.name()})", flush=True)
            now = int(time.time())
            self.make(now)
            with open(stamp, "w", encoding="ascii") as f:
                f.write(str(now))
        with open(stamp, encoding="ascii") as f:
            self.now = int(f.read())
        self.today = int((self.now + 8 * 3600) // 86400)  # in its zone

    def name(self):
        return f"{self.devices}-devices"

    def make(self, now):
        _make(self.data, self.devices, now, self.zone)

    @property
    def peer(self):
        file = os.path.join(self.home, "peer.db")
        if not os.path.exists(file):
            print(f"  (making {self.name()} in SQLite)", flush=True)
            subprocess.run([MAKE_PEER, file + ".new", str(self.devices), str(self.now)], check=True)
            os.replace(file + ".new", file)
        return file

    def dids(self):
        """{did: passcode} of the first product's devices, by the time at which they came."""
        with contextlib.closing(sqlite3.connect(f"{self.data}/registry.db")) as db:
            return dict(db.execute("SELECT did, passcode FROM device WHERE product = 1 AND is_disabled = 0 "
                                   "ORDER BY no"))

    def reporting(self, muster, names, devices, interval_ms):
        """load.Reports, at work: so many devices from all over the first product, a report each so often."""
        found = list(self.dids().items())
        with open(names, "w", encoding="ascii") as f:
            f.writelines(f"{did},{passcode}\n" for did, passcode in found[::len(found) // devices])
        reports = load.Reports(muster.mqtt, names, devices, f"interval={interval_ms}")
        reports.start()
        return reports

    def store(self, server, database):
        """The same in a database of a running PostgreSQL (nodes.py), which is made. Returns its URI."""
        uri = nodes.make_database(server, database)
        subprocess.run([MUSTER, "copy", "--quiet", "--from", self.data, "--to", uri], check=True)
        return uri

    def copy(self, directory):
        return shutil.copytree(self.data, os.path.join(directory, f"copy-of-{self.name()}"),
                               ignore=shutil.ignore_patterns("control.sock"))

    @contextlib.contextmanager
    def served(self, directory, *options, online=True, **popen):
        """A running server on a copy, by default with its 40 % online."""
        program = (SERVE_ONLINE, str(self.devices), str(self.now)) if online else (MUSTER, "serve")
        data = self.copy(directory)
        try:
            with Muster(data, *options, program=program, **popen) as muster:
                yield muster
        finally:
            shutil.rmtree(data)


class History(Fleet):
    """A fleet with seven days of messages, which counts its days in UTC."""

    zone = "UTC"

    def __init__(self, devices, messages):
        self.messages = messages
        super().__init__(devices)

    def name(self):
        return f"{self.devices}-devices-{self.messages}-messages"

    def make(self, now):
        super().make(now)
        subprocess.run([MAKE_MESSAGES, self.data, str(self.devices), str(self.messages), str(now)], check=True)


class SampleProduct:
    """The first product, with one device more, as servers.Product has them; or another one."""

    mac = "accf2350d446"

    def __init__(self, muster, key=KEY):
        self.muster, self.key = muster, key

    def path(self, rest):
        return f"/v1/products/{self.key}{rest}"

    def token(self):
        body = json.dumps({"enterprise_id": ENTERPRISE, "enterprise_secret": SECRET,
                           "product_secret": self.key[::-1]}).encode()
        asked = urllib.request.Request(self.muster.url(self.path("/access_token")), body)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)["token"]
