"""A small Debian of its own, for one test: a root folder that the test may change, with processes, network and host
name of its own. Its lower layer is made once; what a test changes lies in memory and goes with it."""

import os
import re
import shutil
import subprocess
import time

PATIENCE = float(os.environ.get("MUSTER_PATIENCE", "1"))
ENOUGH_S = 300 * PATIENCE  # also on a busy machine: only a test that fails waits for so long

# In namespaces of its own: mounts the root, then becomes the first process, which does nothing until it is to boot.
ENTER = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t cgroup2 cgroup2 sys/fs/cgroup
hostname machine
ip link set lo up
touch run/entered
exec env -i "PATH=$PATH" container=test chroot . sh -c 'until [ -e /run/boot ]; do sleep 0.1; done; exec /lib/systemd/systemd --system'
"""


def make_lower_layer(folder, packages):
    """A Debian as this one, of the fewest packages and those named."""
    suite = subprocess.run(". /etc/os-release && echo $VERSION_CODENAME", shell=True, capture_output=True, text=True,
                           check=True).stdout.strip()
    subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--dpkgopt=force-unsafe-io", "--include=" + ",".join(packages),
                    suite, folder], check=True)


def why_impossible():
    """Why no such machine can be had here, or ""."""
    if os.geteuid() != 0:
        return "only root can make a root folder of another Debian"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    tried = subprocess.run(["unshare", "--pid", "--mount", "--net", "--uts", "--ipc", "--cgroup", "--fork", "sh", "-c",
                            "mount -t tmpfs tmpfs /mnt && mount -t cgroup2 cgroup2 /mnt"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"namespaces cannot be made here: {tried.stderr.strip()}"


def wait_for(condition, what, seconds=ENOUGH_S):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.05)
    return value


class Machine:
    def __init__(self, lower, folder):
        self.keeper = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
             "sh", "-c", ENTER, "sh", lower, folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.first = wait_for(self._first, "the machine's first process")

    def _first(self):
        assert self.keeper.poll() is None, self.keeper.stderr.read()
        with open(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children", encoding="ascii") as children:
            first = children.read().strip()
        return first if first and os.path.exists(f"/proc/{first}/root/run/entered") else None

    def path(self, path):
        """Where a file of the machine is seen from outside."""
        return f"/proc/{self.first}/root{path}"

    def command(self, *command):
        return ["nsenter", "--target", self.first, "--all", "--root", "--wd", *command]

    def run(self, *command, status=0, **keywords):
        """Runs a command in the machine to its end; its output. status: None = any."""
        done = subprocess.run(self.command(*command), stdin=subprocess.DEVNULL if "input" not in keywords else None,
                              capture_output=True, text=True, timeout=ENOUGH_S,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
                              **keywords)
        assert status in (None, done.returncode), f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def boot(self):
        """Lets systemd run; whether it does."""
        self.write("/run/boot", "")
        try:
            wait_for(lambda: re.search("running|degraded", self.run("systemctl", "is-system-running", status=None)), "systemd", 100 * PATIENCE)
        except AssertionError:
            return False
        return True

    def start(self, *command):
        return subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def copy(self, path):
        shutil.copy(path, self.path("/tmp"))
        return os.path.join("/tmp", os.path.basename(path))

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, content):
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(content)

    def has(self, path):
        return os.path.lexists(self.path(path))

    def end(self):
        self.keeper.kill()
        self.keeper.wait()
        self.keeper.stderr.close()
