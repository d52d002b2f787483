"""Damage at rest: every kind of file of a data directory, changed in every way. A start either refuses in one
sentence that names the file and says what to do, or everything acknowledged is there and nothing else."""

import hashlib
import os
import random
import re
import shutil
import subprocess
import time

import pytest

import clock
from server import ENOUGH_S, Server, first_and_repeats, run
from world import Device, World, status_report

pytestmark = pytest.mark.embedded("it damages files")

DAY = 86400
DEVICES, REPORTS = 4, 25  # of each device and day


# --- directories, and what was acknowledged in them -------------------------------------------------

def report(device, number):
    device.report(status_report(on_timing=number % 25, set_temp=16 + number % 15, faults=number % 2), qos=1)


def work(world, registered):
    """What a day brings: reports, a control, a new device, a token."""
    registered.append(world.register())
    for did, passcode in registered:
        device = world.device(registered=(did, passcode), level=4)
        for number in range(REPORTS):
            report(device, number)
        device.disconnect()
        world.online_log_once_ended(did)


def configure(world, did):
    """Users, bindings and a group: what the registry alone knows."""
    appid, uid = "a" * 32, "b" * 32
    world.server.apply({
        "apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
        "users": [{"uid": uid, "appid": appid, "phone": "13800000000", "created_at": 1513135417}]})
    assert world.call("POST", "devices/bindings", {"uid": uid, "appid": appid, "dids": [did]}).status == 201
    assert world.call("POST", "device_groups", {}).status == 201


class Directory:
    def __init__(self, path, world):
        self.path, self.world, self.token = path, world, world.token


def make(path, days, kill):
    """A directory of so many days, with a start a day. What it knows is in its logs if it is of one day and
    was killed; in tables and logs of several days otherwise."""
    server, registered, world = Server(path), [], None
    for ago in reversed(range(days)):
        server.env = clock.environment(time.time() - ago * DAY) if ago else None
        server.start()
        if not world:
            world = World(server)
            registered += [world.register() for _ in range(DEVICES)]
            configure(world, registered[0][0])
            token = world.token
        work(world, registered)
        if ago or kill:
            server.kill()
        else:
            assert server.stop() == 0
    assert world.token == token
    return Directory(path, world)


KINDS = {"young, killed": (1, True), "young, stopped": (1, False), "old, killed": (3, True), "old, stopped": (3, False)}


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    made = {}

    def directory(kind):
        if kind not in made:
            made[kind] = make(tmp_path_factory.mktemp("damage") / "data", *KINDS[kind])
            made[kind].answers = ask(made[kind], copy_of(made[kind], tmp_path_factory.mktemp("whole")))
        return made[kind]
    return directory


def copy_of(directory, parent):
    copy = parent / "data"
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-a", directory.path, copy], check=True)
    return copy


# --- looking ------------------------------------------------------------------------------------------

def pages(world, path):
    found, end = [], int(time.time()) + 2  # cut to now
    for days in range(4):
        window = {"start_ts": end - (days + 1) * DAY, "end_ts": end - days * DAY - 1, "sort": "asc", "limit": 1000}
        answer = world.get(path, **window)
        assert answer.status == 200, answer.body
        rows = answer.json["objects"]
        assert len(rows) == answer.json["meta"]["total"]
        found = rows + found
    return found


def everything(directory, server):
    world = directory.world
    world.server = server
    search = world.get("devices/search", limit=1000)
    assert search.status == 200, search.body
    dids = sorted(row["did"] for row in search.json["objects"])
    answers = {"devices": sorted(search.json["objects"], key=lambda row: row["did"]),
               "users": world.get("users/search").json, "groups": world.get("device_groups").json,
               "datapoint": world.get("datapoint").json, "faults": world.get("fault/report/devices").json,
               "active": world.get("devices/report/liveness/history", cycle="date").json}
    for did in dids:
        for log in ("cmd", "data", "online"):
            answers[did, log] = pages(world, f"devices/{did}/{log}")
    for kind in ("devices", "users", "groups", "bindings"):
        done = run("export", kind, "--data", server.data)
        assert done.returncode == 0, done.stderr
        answers["export", kind] = sorted(done.stdout.splitlines())
    return answers


def ask(directory, path):
    server = Server(path).start()
    try:
        return everything(directory, server)
    finally:
        server.stop()


def contents(path):
    """Of all files but those that every look rewrites."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            if os.path.isfile(file) and not re.match(r"LOG|registry\.db-shm|lock", name):
                with open(file, "rb") as f:
                    found[os.path.relpath(file, path)] = hashlib.sha256(f.read()).hexdigest()
    return found


# --- damaging -----------------------------------------------------------------------------------------

def flip(part, bit=3):
    def change(path):
        size = os.path.getsize(path)
        at = min(size - 1, int(size * part))
        with open(path, "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 1 << bit]))
    return change


def cut(part):
    def change(path):
        os.truncate(path, int(os.path.getsize(path) * part))
    return change


def cut_off(count):
    def change(path):
        os.truncate(path, max(0, os.path.getsize(path) - count))
    return change


DAMAGES = {
    **{f"a bit flipped at {int(100 * part)} %": flip(part) for part in (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1)},
    "the top bit flipped at 95 %": flip(0.95, 7),
    **{f"cut to {int(100 * part)} %": cut(part) for part in (0.1, 0.3, 0.6, 0.9)},
    "seven bytes cut off": cut_off(7),
    "emptied": cut(0),
    "removed": os.unlink,
}

SOME = ["a bit flipped at 30 %", "a bit flipped at 90 %", "cut to 30 %", "emptied", "removed"]

# Of kinds with many files, those that differ: the first, one in the middle, the last.
FILES = {
    "registry.db": r"registry\.db", "registry.db-wal": r"registry\.db-wal", "registry.db-shm": r"registry\.db-shm",
    "registry.mark": r"registry\.mark", "journal.mark": r"journal\.mark", "lock": "lock",
    "MANIFEST": r"journal/MANIFEST-\d+", "CURRENT": "journal/CURRENT", "logs": r"journal/\d+\.log",
    "tables": r"journal/\d+\.sst", "quotas": "quotas", "others": r"journal/(IDENTITY|OPTIONS-\d+|LOCK|LOG)",
}
HARMLESS = ("quotas", "others")  # a start makes them anew, whatever is in them


def files(path, pattern):
    names = sorted(os.path.relpath(os.path.join(folder, name), path)
                   for folder, _, found in os.walk(path) for name in found)
    names = [name for name in names if re.fullmatch(pattern, name)]
    return sorted({names[0], names[len(names) // 2], names[-1]}) if names else []


def start(path):
    """(server, None) or (None, what it said)."""
    server = Server(path)
    try:
        return server.start(), None
    except AssertionError:
        assert server.process.wait(ENOUGH_S) == 1, server.log_text()
        return None, [line for line in server.log if line.startswith("muster serve: ")]


def look(directory, path, what):
    """Whether a start refuses; it is checked that it does so well, or that nothing is missing."""
    before = contents(path)
    checked = run("check", "--data", path)
    assert contents(path) == before, what
    server, said = start(path)
    if said is not None:
        assert len(said) == 1 and str(path) in said[0], (what, said)
        assert re.search(r"muster (restore|repair)|[Pp]ut .* back", said[0]), (what, said)
        assert contents(path).items() >= before.items(), (what, "a start that refuses has changed something", said)
        assert checked.returncode in (1, 2), (what, checked.stdout, said)
        return said[0]
    try:
        assert everything(directory, server) == directory.answers, what
        did, passcode = directory.world.register()
        for log in ("cmd", "data", "online"):
            assert directory.world.get(f"devices/{did}/{log}").json["meta"]["total"] == 0, (what, log)
        device = Device(server.mqtt, did, passcode, directory.world.product_key, 4).login()
        report(device, 1)
        assert directory.world.get(f"devices/{did}/cmd").json["meta"]["total"] == 1
    finally:
        assert server.stop() == 0, server.log_text()
    assert checked.returncode == 0, (what, checked.stdout)
    return None


@pytest.mark.repeats
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_or_harmless(directories, tmp_path, kind, file):
    directory = directories(kind)
    for name in files(directory.path, FILES[file]):
        for damage in SOME if file in HARMLESS else DAMAGES:
            path = copy_of(directory, tmp_path)
            if os.path.getsize(path / name) == 0 and damage != "removed":
                continue
            DAMAGES[damage](path / name)
            refused = look(directory, path, f"{kind}: {name}, {damage}")
            assert not (refused and file in HARMLESS), refused


def test_a_block_that_is_damaged_while_the_server_runs_is_told_when_it_is_read(directories, tmp_path):
    directory = directories("old, stopped")
    path = copy_of(directory, tmp_path)
    server = Server(path).start()
    directory.world.server = server
    did = min(directory.answers["devices"], key=lambda row: row["created_at"])["did"]  # it has reported on each day
    for name in os.listdir(path / "journal"):
        if name.endswith(".sst"):
            with open(path / "journal" / name, "r+b") as f:
                f.write(os.urandom(200))
    end = int(time.time())
    for day in range(1, 3):
        answer = directory.world.get(f"devices/{did}/cmd", start_ts=end - (day + 1) * DAY, end_ts=end - day * DAY)
        assert answer.error == (500, 5601), answer.body
    told = [line for line in server.log_text().splitlines() if "event=journal_damaged" in line]
    assert told and ".sst" in told[0], server.log_text()
    server.kill()


# --- going on with what is left -----------------------------------------------------------------------


def is_part_of(rows, whole):
    rest = iter(whole)
    return all(row in rest for row in rows)


def look_at_the_rest(directory, path, what):
    """Of a directory that was repaired: nothing that was not there, and all in order."""
    checked = run("check", "--data", path)
    assert checked.returncode == 0, (what, checked.stdout, checked.stderr)
    server, said = start(path)
    assert server, (what, said)
    world, before = directory.world, directory.answers
    world.server = server
    try:
        if world.get("devices/search").status != 200:  # the product or its token is lost
            return
        dids = [row["did"] for row in world.get("devices/search", limit=1000, show_disabled=1).json["objects"]]
        assert set(dids) <= {row["did"] for row in before["devices"]}, what
        for did in dids:
            for log in ("cmd", "data"):
                rows = pages(world, f"devices/{did}/{log}")
                assert is_part_of(rows, before[did, log]), (what, did, log)
        did, passcode = world.register()
        for log in ("cmd", "data", "online"):
            assert world.get(f"devices/{did}/{log}").json["meta"]["total"] == 0, (what, log)
        for did, passcode in [(did, passcode), (dids[0], "123456")] if dids else []:
            device = Device(server.mqtt, did, passcode, world.product_key, 4).login()
            total = world.get(f"devices/{did}/cmd").json["meta"]["total"]
            report(device, 1)
            assert world.get(f"devices/{did}/cmd").json["meta"]["total"] == total + 1, what
    finally:
        assert server.stop() == 0, server.log_text()
    checked = run("check", "--data", path)
    assert checked.returncode == 0, (what, checked.stdout, checked.stderr)


@pytest.mark.parametrize("file", ["registry.db", "registry.db-wal", "registry.mark", "journal.mark", "MANIFEST", "CURRENT",
                                  "logs", "tables"])
@pytest.mark.parametrize("kind", first_and_repeats(KINDS))
def test_what_is_left_of_a_damaged_directory_goes_on(directories, tmp_path, kind, file):
    directory = directories(kind)
    for name in files(directory.path, FILES[file]):
        for damage in SOME:
            what = f"{kind}: {name}, {damage}"
            path = copy_of(directory, tmp_path)
            if not os.path.getsize(path / name):
                continue
            DAMAGES[damage](path / name)
            if run("check", "--data", path).returncode == 0:
                continue
            before = contents(path)
            done = run("repair", "--data", path)
            if name in ("registry.db", "registry.db-wal") and done.returncode == 1:  # what SQLite knows of its tables is lost
                assert not damage.startswith("a bit"), (what, done)
                assert "muster restore" in done.stderr and contents(path) == before, (what, done)
                continue
            assert done.returncode == 0, (what, done)
            aside = re.search(r"kept in (\S+);", done.stdout)
            assert aside and os.path.isdir(aside[1]), (what, done.stdout)
            assert set(before.values()) <= set(contents(path).values()), (what, "a damaged file was not kept")
            look_at_the_rest(directory, path, what + "\n" + done.stdout)


def test_a_directory_that_is_not_damaged_is_left_alone(directories, tmp_path):
    path = copy_of(directories("young, stopped"), tmp_path)
    before = contents(path)
    done = run("repair", "--data", path)
    assert done.returncode == 0 and "nothing is damaged" in done.stdout, done
    assert contents(path) == before


# --- what must not be taken for harmless, or for damage -----------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lost", ["journal", "journal.*", "registry.db", "registry.db*", "registry.*"])
def test_a_store_that_is_not_there_is_missed(directories, tmp_path, kind, lost):
    directory = directories(kind)
    path = copy_of(directory, tmp_path)
    if lost.startswith("journal"):
        shutil.rmtree(path / "journal")
    for file in path.glob(lost):
        if file.is_file():
            file.unlink()
    assert look(directory, path, (kind, lost))


def test_a_registry_of_an_earlier_moment_is_refused(directories, tmp_path):
    directory = directories("young, stopped")
    path = copy_of(directory, tmp_path)
    server = Server(path).start()
    earlier = tmp_path / "earlier"
    assert run("backup", "--data", path, earlier).returncode == 0
    directory.world.server = server
    did, passcode = directory.world.register()
    report(Device(server.mqtt, did, passcode, directory.world.product_key, 4).login(), 1)
    server.stop()
    for name in ("registry.db", "registry.mark"):
        shutil.copy(earlier / name, path / name)
    said = start(path)[1]
    assert said and "registry.db" in said[0] and "older" in said[0], said


def test_a_journal_of_an_earlier_moment_is_refused(directories, tmp_path):
    directory = directories("young, stopped")
    path = copy_of(directory, tmp_path)
    server = Server(path).start()
    directory.world.server = server
    did, passcode = directory.world.register()
    report(Device(server.mqtt, did, passcode, directory.world.product_key, 4).login(), 1)
    server.stop()
    shutil.rmtree(path / "journal")
    shutil.copytree(directory.path / "journal", path / "journal")
    said = start(path)[1]
    assert said and "journal" in said[0] and "was acknowledged" in said[0], said


def test_the_stores_of_two_directories_are_not_mixed(directories, tmp_path):
    one, other = directories("young, stopped"), directories("old, stopped")
    path = copy_of(one, tmp_path)
    shutil.rmtree(path / "journal")
    shutil.copytree(other.path / "journal", path / "journal")
    shutil.copy(other.path / "journal.mark", path / "journal.mark")
    said = start(path)[1]
    assert said and "another data directory" in said[0], said


@pytest.mark.parametrize("tail", [b"\0" * 4096, random.Random(1).randbytes(1000), b"\x12\x34\x56\x78\x10\x27\x01only the beginning of it"])
def test_a_torn_tail_that_nobody_was_told_of_opens_silently(directories, tmp_path, tail):
    """What a power cut leaves behind the last sync: zeros, other bytes, the beginning of a batch."""
    directory = directories("young, killed")
    path = copy_of(directory, tmp_path)
    newest = files(path, FILES["logs"])[-1]
    with open(path / newest, "ab") as f:
        f.write(tail)
    with open(path / "registry.db-wal", "ab") as f:
        f.write(tail)
    assert look(directory, path, tail) is None
