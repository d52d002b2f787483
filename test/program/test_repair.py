"""What `muster repair` makes of logs that are damaged, and what it says of it."""

import calendar
import glob
import os
import re
import shutil
import time

import pytest

from server import Server, run
from world import World, status_report

pytestmark = pytest.mark.embedded("it repairs files")

DEVICES, REPORTS = 3, 400  # so many that the log has several blocks (32 KiB): RocksDB can read on behind a damaged one


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A directory whose reports are all in the log of its second start, and when they came."""
    server = Server(tmp_path_factory.mktemp("repair") / "data", "--device-messages", "0").start()
    world = World(server)
    world.device(level=4).report(status_report(), qos=1)
    assert server.stop() == 0
    server.start()
    devices = [world.device(level=4) for _ in range(DEVICES)]
    began = time.time()
    for number in range(REPORTS):
        for device in devices:  # every report opens or resolves a fault
            device.report(status_report(faults=number % 2), qos=1)
    server.kill()
    return server.data, began, time.time()


def copy_of(path, parent):
    shutil.copytree(path, parent / "data", ignore=lambda folder, names: [n for n in names if n == "control.sock"])
    log, = (name for name in glob.glob(str(parent / "data/journal/*.log")) if os.path.getsize(name))
    assert os.path.getsize(log) > 2 * 32768
    return parent / "data", log


def repair(path):
    """What it said, after which nothing is wrong."""
    done = run("repair", "--data", path)
    assert done.returncode == 0, done
    checked = run("check", "--data", path)
    assert checked.returncode == 0, (done.stdout, checked.stdout)
    return done.stdout


def missing_since(said):
    since, = re.findall(r"^journal: .* missing.*, from (\S+) on$", said, re.M)
    return calendar.timegm(time.strptime(since, "%Y-%m-%dT%H:%M:%SZ"))


def flip(log, part):
    with open(log, "r+b") as f:
        f.seek(int(os.path.getsize(log) * part))
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 16]))


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.8])
def test_states_and_faults_agree_where_a_log_goes_on_behind_damage(killed, tmp_path, part):
    data, began, ended = killed
    path, log = copy_of(data, tmp_path)
    flip(log, part)
    said = repair(path)
    read, = re.findall(r"(\d+) messages and", said)
    assert 0 < int(read) < DEVICES * REPORTS, said
    assert int(began) <= missing_since(said) <= ended, said


def test_what_is_missing_with_the_last_log_is_told_from_the_start_before_on(killed, tmp_path):
    data, began, _ = killed
    path, log = copy_of(data, tmp_path)
    os.unlink(log)
    said = repair(path)
    assert began - 600 < missing_since(said) <= began, said


def test_devices_that_registered_behind_the_end_of_the_registry_are_told(killed, tmp_path):
    path, _ = copy_of(killed[0], tmp_path)
    os.unlink(path / "registry.db-wal")
    assert f"registry, device: 1 rows were read, at most {DEVICES} are missing\n" in repair(path)
