"""What root does in directories that another user may write in: no link of his leads anywhere."""

import json
import os
import re
import stat
import subprocess

import pytest

from server import BINARY, ENOUGH_S, FREE_PORTS, run
from test_backup import backup, content
from world import World

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.embedded("it is about who owns files")]

OTHER = 65534
SECRET = "root's own\n"


def give(directory):
    for at, directories, files in os.walk(directory):
        for name in (".", *directories, *files):
            os.chown(os.path.join(at, name), OTHER, -1, follow_symlinks=False)


@pytest.fixture
def tmp_path(open_path):
    return open_path


@pytest.fixture
def copy(make_server, tmp_path):
    """A backup that belongs to another user, who may go as far as there; beside it a file of root's alone."""
    server = make_server()
    World(server).register()
    assert backup(server, tmp_path / "copy").returncode == 0
    server.stop()
    give(tmp_path / "copy")
    (tmp_path / "secret").write_text(SECRET)
    os.chmod(tmp_path / "secret", 0o600)
    return tmp_path / "copy"


def list_file(copy, path, size):
    """As the owner of the backup may, without a digest."""
    content = json.loads((copy / "backup.json").read_text())
    content["files"] = [file for file in content["files"] if file["path"] != path] + [{"path": path, "bytes": size}]
    (copy / "backup.json").write_text(json.dumps(content))


def lay_symbolic_link(copy):
    (copy / "journal" / "999999.sst").symlink_to("../../secret")
    list_file(copy, "journal/999999.sst", len(SECRET))


def lay_hard_link(copy):
    os.link(copy.parent / "secret", copy / "journal" / "999999.sst")
    list_file(copy, "journal/999999.sst", len(SECRET))


def lay_directory(copy):
    (copy.parent / "private").mkdir(0o700)
    os.rename(copy.parent / "secret", copy.parent / "private" / "000001.sst")
    (copy / "more").symlink_to("../private")
    list_file(copy, "more/000001.sst", len(SECRET))


def lay_registry(copy):
    (copy / "registry.db").unlink()
    (copy / "registry.db").symlink_to("../secret")
    list_file(copy, "registry.db", len(SECRET))


def lay_manifest(copy):
    (copy / "backup.json").unlink()
    (copy / "backup.json").symlink_to("../secret")


def lay_pipe(copy):
    (copy / "registry.db").unlink()
    os.mkfifo(copy / "registry.db")


@pytest.mark.parametrize("options", [(), ("--unchecked",)])
@pytest.mark.parametrize("lay", [lay_symbolic_link, lay_hard_link, lay_directory, lay_registry, lay_manifest, lay_pipe])
def test_restore_as_root_takes_nothing_that_the_backups_owner_could_not_read(copy, tmp_path, lay, options):
    lay(copy)
    done = run("restore", *options, "--data", tmp_path / "again", "--user", "nobody", copy)
    assert done.returncode == 1 and re.search("link|another user|no regular file|Permission denied", done.stderr), done
    assert SECRET.strip() not in done.stdout + done.stderr
    assert not (tmp_path / "again").exists() or os.listdir(tmp_path / "again") == []


def test_a_restore_that_fails_gives_the_directory_back(copy, tmp_path):
    lay_symbolic_link(copy)
    (tmp_path / "again").mkdir(0o750)
    os.chown(tmp_path / "again", OTHER, -1)
    assert run("restore", "--unchecked", "--data", tmp_path / "again", copy).returncode == 1
    found = os.stat(tmp_path / "again")
    assert (found.st_uid, stat.S_IMODE(found.st_mode), os.listdir(tmp_path / "again")) == (OTHER, 0o750, [])


def test_a_backup_of_a_user_that_the_machine_does_not_know_is_checked_and_restored(copy, tmp_path):
    for at, directories, files in os.walk(copy):
        for name in (".", *directories, *files):
            os.chown(os.path.join(at, name), 54321, 54321)
    assert run("check", "--data", copy).returncode == 0
    done = run("restore", "--data", tmp_path / "again", "--user", "nobody", copy)
    assert done.returncode == 0, done.stderr
    for at, directories, files in os.walk(tmp_path / "again"):
        for name in (".", *directories, *files):
            assert os.stat(os.path.join(at, name)).st_uid == OTHER
    assert content(tmp_path / "again").keys() > {"registry.db", "lock"}


def test_a_backup_that_its_owner_cannot_reach_is_checked_and_restored_all_the_same(copy, tmp_path):
    os.chmod(tmp_path, 0o700)
    checked = run("check", "--data", copy)
    assert checked.returncode == 0 and f"{copy}: no mistakes" in checked.stdout, checked.stdout + checked.stderr
    done = run("restore", "--data", tmp_path / "again", "--user", "nobody", copy)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["lock", "backup.tmp"])
def test_backup_as_root_follows_no_link_in_the_data_directory(copy, tmp_path, name):
    assert run("restore", "--data", tmp_path / "own", "--user", "nobody", copy).returncode == 0
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("keep")
    if name == "lock":
        (tmp_path / "own" / "lock").unlink()
    (tmp_path / "own" / name).symlink_to("../victim" if name == "backup.tmp" else "../victim/made")
    subprocess.run([BINARY, "backup", "--data", str(tmp_path / "own"), str(tmp_path / "second")], capture_output=True,
                   timeout=ENOUGH_S, check=False)
    assert os.listdir(tmp_path / "victim") == ["file"]


def test_a_lock_that_is_a_link_is_not_taken(copy, tmp_path):
    assert run("restore", "--data", tmp_path / "own", copy).returncode == 0  # root's own
    (tmp_path / "own" / "lock").unlink()
    (tmp_path / "own" / "lock").symlink_to("../made")
    for command in (["serve", *FREE_PORTS], ["apply", "-"], ["check"]):
        done = run(*command, "--data", tmp_path / "own", input="{}")
        assert done.returncode != 0 and "symbolic links" in done.stderr, done
    assert not (tmp_path / "made").exists()
