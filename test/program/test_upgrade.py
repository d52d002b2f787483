"""What earlier versions wrote (old-backups) is checked as it is, restored, and served as if nothing had happened."""

import contextlib
import glob
import json
import os
import re
import shutil
import sqlite3
import tarfile

import pytest

from clock import environment
from old_backup import DIRECTORY, answers, schema_of, world_on
from server import Server, run
from test_backup import backup, content

pytestmark = pytest.mark.embedded("the older versions wrote files")

OLD = sorted(int(re.search(r"schema-(\d+)", name)[1]) for name in glob.glob(os.path.join(DIRECTORY, "schema-*.tar.gz")))


@pytest.fixture
def old(tmp_path):
    """Unpacks the backup of a version; returns its directory, and what its server answered."""
    def unpack(version):
        with tarfile.open(os.path.join(DIRECTORY, f"schema-{version}.tar.gz")) as tar:
            tar.extractall(tmp_path / "old")
        return tmp_path / "old" / "backup", json.loads((tmp_path / "old" / "answers.json").read_text())
    return unpack


def moment(directory):
    return json.loads((directory / "backup.json").read_text())["moment_us"] // 1000000


def test_there_is_a_backup_of_each_earlier_schema(make_server):
    server = make_server()
    server.stop()
    present = schema_of(server.data)
    assert set(OLD) >= set(range(1, present)), "old_backup.py says how to make the one that is missing"


@pytest.mark.parametrize("version", OLD)
def test_a_backup_of_an_earlier_schema_is_restored_and_served(old, version, tmp_path):
    directory, told = old(version)
    assert schema_of(directory) == version
    before = content(directory)
    done = run("restore", "--data", tmp_path / "data", directory)
    assert done.returncode == 0, done.stderr
    server = Server(tmp_path / "data", env=environment(moment(directory) + 60)).start()  # before its messages expire
    try:
        assert answers(world_on(server, told["credentials"])) == told["answers"]
        done = backup(server, tmp_path / "copy")
        assert done.returncode == 0, done.stderr
    finally:
        assert server.stop() == 0
    assert content(directory) == before
    done = run("check", "--data", tmp_path / "copy")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", ["a backup", "a data directory"])
@pytest.mark.parametrize("version", OLD)
def test_what_an_earlier_version_wrote_is_checked_as_it_is(old, version, what, tmp_path):
    directory, _ = old(version)
    if what == "a data directory":
        (directory / "backup.json").unlink()
        (directory / "lock").touch(0o600)
    before = content(directory)
    done = run("check", "--data", directory)
    assert done.returncode == 0 and "no mistakes" in done.stdout, done.stdout + done.stderr
    assert re.search("^ +3  devices$", done.stdout, re.M) and re.search("^ +2[0-9]  messages$", done.stdout, re.M)
    assert content(directory) == before


def test_what_an_earlier_version_left_in_its_log_is_checked_with_it(old, tmp_path):
    directory, _ = old(3)
    (directory / "backup.json").unlink()
    (directory / "lock").touch(0o600)
    with contextlib.closing(sqlite3.connect(directory / "registry.db", isolation_level=None)) as db:
        db.execute("INSERT INTO enterprise (enterprise_id, secret_salt, secret_hash, name, hourly_quota, secret_required, "
                   "ip_allow) VALUES ('x', x'', x'', 'late', 1, 1, x'')")
        shutil.copytree(directory, tmp_path / "killed")
    (tmp_path / "killed" / "registry.db-shm").unlink()
    before = content(tmp_path / "killed")
    assert before["registry.db-wal"]
    done = run("check", "--data", tmp_path / "killed")
    assert done.returncode == 0 and re.search("^ +2  enterprises$", done.stdout, re.M), done.stdout + done.stderr
    assert content(tmp_path / "killed") == before


@pytest.mark.parametrize("version", OLD[:3])
def test_a_mistake_in_what_an_earlier_version_wrote_is_found(old, version, tmp_path):
    directory, _ = old(version)
    (directory / "backup.json").unlink()
    (directory / "lock").touch(0o600)
    at = directory / "registry.db"
    data = bytearray(at.read_bytes())
    place = data.index(b"000000000002")
    data[place:place + 12] = b"000000000001"
    at.write_bytes(data)
    done = run("check", "--data", directory)
    assert done.returncode == 1 and "mistake: " in done.stdout, done.stdout + done.stderr
