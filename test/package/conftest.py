import os
import re
import subprocess

import pytest

import machine as machines

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def field(deb, name):
    return subprocess.run(["dpkg-deb", "-f", deb, name], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def deb():
    """The package, as script/package makes it."""
    made = subprocess.run(["script/package"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    path = os.path.join(ROOT, made.stdout.splitlines()[-1])
    assert re.fullmatch(r"muster_\d+\.\d+\.\d+_\w+\.deb", os.path.basename(path))
    return path


@pytest.fixture(scope="session")
def contents(deb, tmp_path_factory):
    """A folder with the files of the package."""
    folder = tmp_path_factory.mktemp("contents")
    subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def older_deb(deb, tmp_path_factory):
    """A package of a lower version, whose /etc/muster.ini differs."""
    folder = tmp_path_factory.mktemp("older")
    subprocess.run(["dpkg-deb", "-R", deb, folder / "tree"], check=True)
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.0.1", control.read_text()))
    with open(folder / "tree/etc/muster.ini", "a", encoding="utf-8") as settings:
        settings.write("# of the older version\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder / "tree", folder / "older.deb"], check=True,
                   stdout=subprocess.DEVNULL)
    return str(folder / "older.deb")


@pytest.fixture(scope="session")
def lower_layer(deb, tmp_path_factory):
    why = machines.why_impossible()
    if why:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("debian") / "root"
    needed = [re.sub(r" .*", "", alternatives) for alternatives in field(deb, "Depends").split(", ")]
    machines.make_lower_layer(str(folder), [*needed, "man-db", "bash-completion", "postgresql", "sudo"])
    subprocess.run(["chroot", folder, "systemctl", "--quiet", "disable", "postgresql"], check=True)
    yield str(folder)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


@pytest.fixture
def machine(lower_layer, tmp_path):
    made = machines.Machine(lower_layer, str(tmp_path))
    yield made
    made.end()
