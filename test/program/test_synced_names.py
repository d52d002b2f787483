"""What is said to be there is found after a power cut, too: the name in its directory is synced, not only what is in it."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from server import BINARY, ENOUGH_S, Server
from test_backup import backup
from world import World

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = "trace=fsync,fdatasync,sync,mkdir,mkdirat,rename,renameat,renameat2,openat,write"


def strace(trace):
    return ("strace", "-D", "-f", "-yy", "-s", "200", "-o", str(trace), "-e", CALLS)


def traced(tmp_path, *arguments, input=None):
    done = subprocess.run([*strace(tmp_path / "trace"), BINARY, *map(str, arguments)], input=input, capture_output=True, text=True,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}, timeout=ENOUGH_S, check=False)
    assert done.returncode == 0, done.stderr
    return (tmp_path / "trace").read_text().splitlines()


def first(lines, pattern, start=0):
    return next(n for n in range(start, len(lines)) if re.search(pattern, lines[n]))


def must_sync_between(lines, directory, made, told):
    """made, told: what the lines look like by which it is made, and told to the operator."""
    begin = first(lines, made)
    end = first(lines, told, begin)
    synced = [n for n in range(begin, end) if re.search(rf"f(?:data)?sync\(\d+<{re.escape(str(directory))}>", lines[n])]
    assert synced, "\n".join(lines[begin:end + 1])


@pytest.mark.embedded("backups are of directories")
def test_restore_syncs_the_new_directory_and_its_name(server, tmp_path):
    World(server).register()
    assert backup(server, tmp_path / "copy").returncode == 0
    lines = traced(tmp_path, "restore", "--data", tmp_path / "again", tmp_path / "copy")
    made, told = rf'mkdir\("{tmp_path}/again"', r'write\(1<.*start it with'
    must_sync_between(lines, tmp_path, made, told)
    must_sync_between(lines, tmp_path / "again", r'openat\(.*"lock"', told)
    must_sync_between(lines, tmp_path / "again" / "journal", made, told)


@pytest.mark.embedded("backups are of directories")
def test_a_backup_is_synced_under_its_name(server, tmp_path):
    World(server).register()
    lines = traced(tmp_path, "backup", "--data", server.data, tmp_path / "copy")
    must_sync_between(lines, tmp_path, r'renameat.*"copy.partial".*"copy"', r"write\(1<.*backup of")


def test_an_export_is_synced_under_its_name(server, tmp_path):
    World(server).register()
    lines = traced(tmp_path, "export", "devices", "--data", server.data, tmp_path / "devices.csv")
    must_sync_between(lines, tmp_path, r'rename\(.*devices.csv"', r"write\(1<.*1 exported")


def test_apply_syncs_a_new_directory_and_its_name(tmp_path):
    lines = traced(tmp_path, "apply", "--data", tmp_path / "new", "--create", "-", input=json.dumps({"enterprises": [{"name": "Mine"}]}))
    must_sync_between(lines, tmp_path, rf'mkdir\("{tmp_path}/new"', r"write\([12]<.*made a new data directory")
    must_sync_between(lines, tmp_path / "new", r'openat\(.*registry.db"', r"write\([12]<.*made a new data directory")


@pytest.mark.embedded("it makes the files")
@pytest.mark.parametrize("user", [(), ("--user", "nobody")])
def test_serve_syncs_a_new_directory_and_what_it_makes_in_it(open_path, user):
    if user and os.geteuid() != 0:
        pytest.skip("needs root")
    server = Server(open_path / "new", *user, wrapper=strace(open_path / "trace"), env={"ASAN_OPTIONS": "detect_leaks=0"})
    server.start()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(ENOUGH_S) == 0
    lines = (open_path / "trace").read_text().splitlines()
    told = r"write\(1<.*muster ready"
    must_sync_between(lines, open_path, rf'mkdir\("{open_path}/new"', told)
    must_sync_between(lines, open_path / "new", rf'mkdir\("{open_path}/new/journal"', told)
