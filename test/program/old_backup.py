"""Backups as earlier versions of muster wrote them: old-backups/schema-N.tar.gz, N being the version of the registry's
schema. Each has the backup itself and answers.json: what its server answered before.

Before the schema gets another step, a backup of the present one is made with

    MUSTER_BINARY=build/muster /usr/bin/python3 test/program/old_backup.py

The first journals of the present format had no family for controls; those of schemas 1 to 3 are such."""

import json
import os
import sqlite3
import tarfile
import tempfile

from server import Server, run
from world import World, hex_id, status_report

DIRECTORY = os.path.join(os.path.dirname(__file__), "old-backups")
MACS = ["000000000001", "000000000002", "000000000003"]


def answers(world):
    """What a device cloud has to say of what is in it."""
    def get(path, **parameters):
        answer = world.get(path, **parameters)
        assert answer.status == 200, (path, answer.body)
        return answer.json

    def of(path, *keys, **parameters):
        return [{key: row[key] for key in keys} for row in get(path, limit=1000, **parameters)["objects"]]

    devices = sorted(of("devices/search", "did", "mac", show_disabled=1), key=lambda row: row["mac"])
    return {"devices": devices, "groups": get("device_groups"), "users": get("users/report/total")["total"],
            "data": {d["did"]: of(f"devices/{d['did']}/data", "ts", "attrs") for d in devices},
            "messages": {d["did"]: of(f"devices/{d['did']}/cmd", "timestamp", "type", "payload") for d in devices},
            "logins": {d["did"]: [row["timestamp"] for row in get(f"devices/{d['did']}/online")["objects"]
                                  if row["type"] == "dev_online"] for d in devices},
            "owners": {d["did"]: [u["uid"] for u in get("users/search", type="did", val=d["did"])["objects"] if u["is_owner"]]
                       for d in devices}}


CREDENTIALS = ("enterprise_id", "enterprise_secret", "product_key", "product_secret")


def world_on(server, credentials):
    """The enterprise and product of a backup, on a server that has it."""
    world = World.__new__(World)
    world.__dict__.update(server=server, _token=None, **credentials)
    return world


def fill(world):
    appid, uids = hex_id(), [hex_id(), hex_id()]
    world.server.apply({
        "apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
        "users": [{"appid": appid, "uid": uid, "phone": f"1380000000{n}"} for n, uid in enumerate(uids)],
        "devices": [{"product_key": world.product_key, "mac": mac, "passcode": "123456", "country": "China",
                     "region": "Guangdong", "city": "Guangzhou", "is_disabled": mac == MACS[-1]} for mac in MACS]})
    devices = [world.device(mac=mac, level=4) for mac in MACS[:-1]]
    for n in range(10):
        for device in devices:
            device.report(status_report(faults=n % 3, alerts=n % 2, set_temp=16 + n), qos=1)
    root = world.call("POST", "device_groups", {}).json["gid"]
    child = world.call("POST", "device_groups", {"parent_gid": root}).json["gid"]
    assert world.call("PUT", f"device_groups/{child}", {"action": "assign", "macs": MACS[:2]}).status == 200
    for uid in uids:
        assert world.call("POST", "devices/bindings", {"appid": appid, "uid": uid,
                                                       "dids": [d.did for d in devices]}).status == 201
    assert world.control(devices[0].did, attrs={"switch": 1}).status == 200
    for device in devices:
        device.disconnect()
        world.online_log_once_ended(device.did)


def make(directory):
    """Fills a server and backs it up in directory; returns the version of the schema."""
    server = Server(os.path.join(directory, "data")).start()
    try:
        world = World(server)
        fill(world)
        content = {"credentials": {name: getattr(world, name) for name in CREDENTIALS}, "answers": answers(world)}
        done = run("backup", "--data", server.data, os.path.join(directory, "backup"))
        assert done.returncode == 0, done.stderr
    finally:
        server.stop()
    with open(os.path.join(directory, "answers.json"), "w", encoding="utf-8") as f:
        json.dump(content, f)
    return schema_of(os.path.join(directory, "backup"))


def schema_of(directory):
    """Without making a companion of the file."""
    db = sqlite3.connect(f"file:{os.path.join(directory, 'registry.db')}?immutable=1", uri=True)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return version


def pack(directory, version):
    with tarfile.open(os.path.join(DIRECTORY, f"schema-{version}.tar.gz"), "w:gz") as tar:
        for name in ("backup", "answers.json"):
            tar.add(os.path.join(directory, name), name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as at:
        pack(at, make(at))
