"""Backup and restore: what was acknowledged is in the copy, nothing half is, and the copy is a data
directory again."""

import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

from mqtt import Device
from server import BINARY, ENOUGH_S, run, wait_until
from test_disk_full import fill, small_disk
from test_durability import DEVICES, Reporter, all_rows, numbered_report, report_number
from world import World

pytestmark = pytest.mark.embedded("backups are of directories")


def backup(server, dest, **keywords):
    return run("backup", "--data", server.data, dest, **keywords)


def restore(dest, data, *options):
    return run("restore", *options, "--data", data, dest)


def content(directory):
    """Every file with what is in it."""
    found = {}
    for at, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(at, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found[os.path.relpath(path, directory)] = f.read()
    return found


def reports_of(world):
    """What the reports say, but for what is online now: nothing is in a copy."""
    def get(path):
        answer = world.get(path)
        assert answer.status == 200, (path, answer.body)
        return answer.json
    search = [{k: v for k, v in row.items() if k != "is_online"} for row in get("devices/search")["objects"]]
    return [search, *map(get, ("devices/report/liveness", "devices/report/rt", "devices/report/devices/report/rt",
                               "users/report/total"))]


class Configurer(threading.Thread):
    """Registers devices by HTTP, one after the other, and remembers which were answered."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.known, self.going_on = world, [], True

    def run(self):
        while self.going_on:
            try:
                self.known.append(self.world.register())
            except OSError:
                return


def test_a_backup_under_load_holds_what_was_acknowledged_before_it(make_server, tmp_path):
    server = make_server("--device-messages", "0", "--device-bytes", "0")
    world = World(server)
    registered = [world.register() for _ in range(DEVICES)]
    reporters = [Reporter(Device(server.mqtt, did, passcode, world.product_key, level=4).login(), first=0)
                 for did, passcode in registered]
    configurer = Configurer(world)
    for thread in (*reporters, configurer):
        thread.start()
    wait_until(lambda: len(configurer.known) > 20 and all(r.acknowledged for r in reporters))
    acknowledged = [list(r.acknowledged) for r in reporters]
    known = list(configurer.known)

    done = backup(server, tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    later = [len(r.acknowledged) for r in reporters]
    wait_until(lambda: all(len(r.acknowledged) > n for r, n in zip(reporters, later)), what="reports going on")
    configurer.going_on = False
    configurer.join(ENOUGH_S)
    server.kill()
    for reporter in reporters:
        reporter.join(ENOUGH_S)

    assert restore(tmp_path / "copy", tmp_path / "again").returncode == 0
    server.data = str(tmp_path / "again")
    server.start()
    for (did, _), numbers in zip(registered, acknowledged):
        rows = [report_number(row["attrs"]) for row in all_rows(world, did, "data")]
        assert set(numbers) <= set(rows), "acknowledged before the backup began, but not in it"
        assert rows == list(range(len(rows))), "something in between is missing"
    assert {did for did, _ in known} <= {row["did"] for row in world.get("devices/search", limit=1000).json["objects"]}


def test_the_reports_of_the_copy_are_those_of_the_moment(make_server, tmp_path):
    server = make_server()
    world = World(server)
    for number in range(4):
        world.device(level=4).report(numbered_report(number), qos=1)
    before = reports_of(world)
    assert backup(server, tmp_path / "copy").returncode == 0
    for number in range(3):
        world.device(level=4).report(numbered_report(number), qos=1)
    assert reports_of(world) != before
    server.kill()
    assert restore(tmp_path / "copy", tmp_path / "again").returncode == 0
    server.data = str(tmp_path / "again")
    server.start()
    assert reports_of(world) == before


def test_a_session_that_was_open_reads_as_ended_when_it_was_last_alive(make_server, tmp_path):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    device.report(numbered_report(1), qos=1)
    assert backup(server, tmp_path / "copy").returncode == 0
    moment = json.loads((tmp_path / "copy" / "backup.json").read_text())["moment_us"] / 1e6
    device.disconnect()
    server.stop()
    assert restore(tmp_path / "copy", tmp_path / "again").returncode == 0
    server.data = str(tmp_path / "again")
    server.start()
    end, login = world.get(f"devices/{device.did}/online").json["objects"]
    assert (login["type"], end["type"], end["payload"]["reason"]) == ("dev_online", "dev_offline", "offline_exception")
    assert login["timestamp"] <= end["timestamp"] <= moment + 0.001
    assert world.get("devices/search", is_online=1).json["meta"]["total"] == 0


def test_a_directory_at_rest_can_be_copied(make_server, tmp_path):
    server = make_server()
    world = World(server)
    did, _ = world.register()
    server.kill() # so that there is a log to be replayed
    done = backup(server, tmp_path / "copy")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 products, 1 devices" in done.stdout
    assert restore(tmp_path / "copy", tmp_path / "again").returncode == 0
    server.data = str(tmp_path / "again")
    server.start()
    assert [row["did"] for row in world.get("devices/search", limit=1000).json["objects"]] == [did]


def test_a_backup_is_private_shares_what_never_changes_and_leaves_nothing_behind(make_server, tmp_path):
    server = make_server()
    world = World(server)
    world.device(level=4).report(numbered_report(1), qos=1)
    assert backup(server, tmp_path / "copy").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["copy", "data"]
    assert "backup.tmp" not in os.listdir(tmp_path / "data")
    assert stat.S_IMODE(os.stat(tmp_path / "copy").st_mode) == 0o700
    tables = [name for name in os.listdir(tmp_path / "copy" / "journal") if name.endswith(".sst")]
    assert tables
    for name in tables:
        assert os.stat(tmp_path / "copy" / "journal" / name).st_ino == os.stat(tmp_path / "data" / "journal" / name).st_ino
    listed = {f["path"]: f["bytes"] for f in json.loads((tmp_path / "copy" / "backup.json").read_text())["files"]}
    found = {name: len(data) for name, data in content(tmp_path / "copy").items() if name != "backup.json"}
    assert listed == found


def test_a_second_backup_stays_what_it_was_while_the_server_goes_on(make_server, tmp_path):
    server = make_server("--device-messages", "0")
    world = World(server)
    device = world.device(level=4)
    copies = []
    for round in range(3):
        for number in range(50):
            device.report(numbered_report(number), qos=1)
        assert backup(server, tmp_path / f"copy{round}").returncode == 0
        copies.append(content(tmp_path / f"copy{round}"))
    server.restart()
    assert [content(tmp_path / f"copy{round}") for round in range(3)] == copies


# --- refusals ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("dest, reason", [
    ("data/copy", "lies in the data directory"),
    ("data/journal/copy", "lies in the data directory"),
    ("full", "is there already"),
    ("file", "is there already"),
    ("data", "is there already"),
    ("nowhere/copy", "No such file or directory"),
])
def test_a_destination_that_will_not_do_is_refused(make_server, tmp_path, dest, reason):
    server = make_server()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("keep")
    (tmp_path / "file").write_text("keep")
    before = sorted(os.listdir(tmp_path)), sorted(os.listdir(tmp_path / "data"))
    done = backup(server, tmp_path / dest)
    assert done.returncode == 2 and reason in done.stderr and done.stderr.startswith("muster backup: "), done
    assert (sorted(os.listdir(tmp_path)), sorted(os.listdir(tmp_path / "data"))) == before
    assert (tmp_path / "full" / "mine").read_text() == (tmp_path / "file").read_text() == "keep"


def test_an_empty_destination_is_taken(make_server, tmp_path):
    server = make_server()
    (tmp_path / "copy").mkdir()
    assert backup(server, f"{tmp_path}/copy/").returncode == 0
    assert "backup.json" in os.listdir(tmp_path / "copy")


def test_what_is_no_data_directory_is_not_made_one(tmp_path):
    done = run("backup", "--data", tmp_path / "none", tmp_path / "copy")
    assert done.returncode == 2 and "is not a data directory" in done.stderr
    assert os.listdir(tmp_path) == []


def test_nothing_runs_on_a_backup(make_server, tmp_path):
    server = make_server()
    assert backup(server, tmp_path / "copy").returncode == 0
    before = content(tmp_path / "copy")
    serve = ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0"]
    for command in (serve, ["apply", "-"], ["backup", tmp_path / "second"]):
        done = run(*command, "--data", tmp_path / "copy", input="{}")
        assert done.returncode != 0 and "is a backup" in done.stderr, done
    assert "muster restore" in run(*serve, "--data", tmp_path / "copy").stderr
    assert content(tmp_path / "copy") == before


def test_a_restore_into_what_is_in_use_or_not_empty_is_refused(make_server, tmp_path):
    server = make_server()
    assert backup(server, tmp_path / "copy").returncode == 0
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("keep")
    for data in ("data", "full", "copy"):
        done = restore(tmp_path / "copy", tmp_path / data)
        assert done.returncode == 2 and "not an empty directory" in done.stderr
    assert os.listdir(tmp_path / "full") == ["mine"]
    assert server.process.poll() is None


@pytest.mark.parametrize("hurt, reason", [
    (lambda copy: (copy / "backup.json").unlink(), "not a backup, or was interrupted"),
    (lambda copy: (copy / "backup.json").write_text("{"), "damaged"),
    (lambda copy: (copy / "backup.json").write_text((copy / "backup.json").read_text().replace('"format":1', '"format":9')), "newer"),
    (lambda copy: (copy / "backup.json").write_text((copy / "backup.json").read_text().replace("registry.db", "../../registry.db")), "damaged"),
    (lambda copy: os.truncate(copy / "registry.db", 8192), "registry.db: has 8192 bytes"),
    (lambda copy: flip(copy / "registry.db", 5000), "registry.db: is not what was written"),
    (lambda copy: (copy / "journal" / "CURRENT").unlink(), "journal/CURRENT: No such file"),
])
def test_a_damaged_backup_is_not_restored(make_server, tmp_path, hurt, reason):
    server = make_server()
    World(server)
    assert backup(server, tmp_path / "copy").returncode == 0
    hurt(tmp_path / "copy")
    done = restore(tmp_path / "copy", tmp_path / "again")
    assert done.returncode in (1, 2) and reason in done.stderr, done
    assert not (tmp_path / "again").exists()


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 0xff]))


# --- broken off -------------------------------------------------------------------------------------

def start_backup(server, dest):
    return subprocess.Popen([BINARY, "backup", "--data", server.data, str(dest)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_that_is_killed_leaves_no_backup_and_the_next_one_succeeds(make_server, tmp_path, kill):
    server = make_server()
    world = World(server)
    for round in range(8):
        command = start_backup(server, tmp_path / "copy")
        time.sleep(0.005 * round)
        command.send_signal(kill)
        command.wait()
        if (tmp_path / "copy").exists():
            assert command.returncode == 0 or kill == signal.SIGKILL
            assert restore(tmp_path / "copy", tmp_path / f"again{round}").returncode == 0
            shutil.rmtree(tmp_path / "copy")
        shutil.rmtree(tmp_path / "copy.partial", ignore_errors=True)
    # What the server was asked to do may still be under way.
    wait_until(lambda: backup(server, tmp_path / "copy").returncode == 0, what="a backup")
    assert "backup.tmp" not in os.listdir(server.data)
    world.register()


def test_a_server_that_is_killed_during_backups_leaves_whole_ones_only(make_server, tmp_path):
    server = make_server("--device-messages", "0")
    world = World(server)
    device = world.device(level=4)
    for round in range(8):
        device.report(numbered_report(round), qos=1)
        command = start_backup(server, tmp_path / f"copy{round}")
        time.sleep(0.01 * round)
        server.kill()
        _, error = command.communicate(timeout=ENOUGH_S)
        assert (command.returncode == 0) == (tmp_path / f"copy{round}").exists(), error
        if command.returncode == 0:
            assert restore(tmp_path / f"copy{round}", tmp_path / f"again{round}").returncode == 0
        server.start()
        assert "backup.tmp" not in os.listdir(server.data)
        assert len(all_rows(world, device.did, "data")) == round + 1
        device = world.device(registered=(device.did, "123456"), level=4)


def test_two_backups_at_once_do_not_disturb_each_other(make_server, tmp_path):
    server = make_server()
    World(server)
    commands = [start_backup(server, tmp_path / f"copy{n}") for n in range(4)]
    for n, command in enumerate(commands):
        _, error = command.communicate(timeout=ENOUGH_S)
        if command.returncode == 0:
            assert restore(tmp_path / f"copy{n}", tmp_path / f"again{n}").returncode == 0
        else:
            assert "another backup is being made" in error
    assert any(command.returncode == 0 for command in commands)


def test_a_leftover_of_a_killed_backup_is_not_written_over(make_server, tmp_path):
    server = make_server()
    (tmp_path / "copy.partial").mkdir()
    done = backup(server, tmp_path / "copy")
    assert done.returncode == 2 and "copy.partial is left of a backup" in done.stderr


# --- other file systems, full ones ------------------------------------------------------------------

def test_a_destination_on_another_file_system_gets_copies(small_disk, make_server, tmp_path):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    device.report(numbered_report(1), qos=1)
    assert backup(server, small_disk / "copy").returncode == 0
    assert os.listdir(small_disk) == ["copy"]
    assert restore(small_disk / "copy", tmp_path / "again").returncode == 0


def test_a_destination_without_room_is_refused_and_nothing_is_left(small_disk, make_server):
    server = make_server()
    world = World(server)
    fill(small_disk)
    done = backup(server, small_disk / "copy")
    assert done.returncode == 1 and ("are needed in" in done.stderr or "No space left" in done.stderr), done.stderr
    assert os.listdir(small_disk) == ["ballast"]
    assert "backup.tmp" not in os.listdir(server.data)
    world.register()


def test_a_full_data_disk_makes_no_backup_and_nothing_is_lost(small_disk, tmp_path, make_server):
    server = make_server(data=small_disk / "data")
    world = World(server)
    device = world.device(level=4)
    device.report(numbered_report(1), qos=1)
    fill(small_disk)
    done = backup(server, tmp_path / "copy")
    assert done.returncode == 1 and done.stderr.startswith("muster backup: "), done
    assert os.listdir(tmp_path) == ["disk"]
    assert "backup.tmp" not in os.listdir(server.data)
    os.unlink(small_disk / "ballast")
    assert wait_until(lambda: backup(server, tmp_path / "copy").returncode == 0)
    assert len(all_rows(world, device.did, "data")) == 1


def test_a_restore_without_room_leaves_nothing_and_can_be_repeated(small_disk, make_server, tmp_path):
    server = make_server()
    World(server)
    assert backup(server, tmp_path / "copy").returncode == 0
    fill(small_disk)
    done = restore(tmp_path / "copy", small_disk / "again")
    assert done.returncode == 1 and ("are needed in" in done.stderr or "No space left" in done.stderr), done.stderr
    os.unlink(small_disk / "ballast")
    assert restore(tmp_path / "copy", small_disk / "again").returncode == 0


# --- whose it is ------------------------------------------------------------------------------------

@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_backs_up_and_restores_what_belongs_to_another_user(open_path, make_server):
    server = make_server("--user", "nobody", data=open_path / "data")
    world = World(server)
    world.device(level=4).report(numbered_report(1), qos=1)
    assert backup(server, open_path / "running").returncode == 0
    server.stop()
    assert backup(server, open_path / "resting").returncode == 0
    owner = os.stat(server.data).st_uid
    assert owner != 0
    for copy in ("running", "resting"):
        assert restore(open_path / copy, open_path / f"{copy}-again", "--user", "nobody").returncode == 0
        for at, directories, files in os.walk(open_path / f"{copy}-again"):
            for name in (".", *directories, *files):
                assert os.stat(os.path.join(at, name)).st_uid == owner
    (open_path / "given").mkdir(mode=0o700)
    os.chown(open_path / "given", owner, -1)
    assert restore(open_path / "running", open_path / "given").returncode == 0
    server.data = str(open_path / "given")
    server.start()
    assert world.get("devices/search").json["meta"]["total"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_who_may_not_write_there_is_told_so(open_path, make_server):
    server = make_server("--user", "nobody", data=open_path / "data")
    owner = os.stat(server.data).st_uid
    binary = shutil.copy(BINARY, open_path)  # which may lie where that user cannot go
    done = subprocess.run([binary, "backup", "--data", server.data, str(open_path / "copy")], capture_output=True,
                          text=True, user=owner, cwd=open_path, timeout=ENOUGH_S)
    assert done.returncode == 1 and f"the user {owner} cannot write in {open_path}" in done.stderr, done
