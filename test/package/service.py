"""The server of an installed package, started as its unit says, without systemd."""

import re
import shlex
import subprocess

from machine import ENOUGH_S

UNIT = "/lib/systemd/system/muster.service"


def settings_of(unit):
    """Of the section [Service], the last value of each."""
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", unit.split("[Service]")[1].split("\n[")[0]))


class Service:
    def __init__(self, machine):
        unit = settings_of(machine.read(UNIT))
        capability = "-all,+" + unit["CapabilityBoundingSet"].removeprefix("CAP_").lower()
        self.machine = machine
        self.process = machine.start(
            "sh", "-c", f'umask {unit["UMask"]}; exec "$@"', "sh",
            "setpriv", f'--reuid={unit["User"]}', f'--regid={unit["Group"]}', "--init-groups", f"--inh-caps={capability}",
            f"--ambient-caps={capability}", f"--bounding-set={capability}", "--no-new-privs", *shlex.split(unit["ExecStart"]))
        self.output = []
        while not self.output or not self.output[-1].startswith("muster ready "):
            line = self.process.stdout.readline()
            assert line, "".join(self.output)
            self.output.append(line)

    def addresses(self):
        return dict(re.findall(r"(\w+)=(\S+)", self.output[-1]))

    def get(self, path, port="http"):
        """What curl of the host, in the machine's network, is answered."""
        address = f"http://{self.addresses()[port]}{path}"
        return subprocess.run(["nsenter", "--target", self.machine.first, "--net", "curl", "-sS", "--fail", "--noproxy", "*", address],
                              capture_output=True, text=True, check=True, timeout=ENOUGH_S).stdout

    def stop(self):
        """Its exit status. The process that was started is nsenter, which hands on no signal."""
        self.machine.run("pkill", "--signal", "TERM", "--exact", "muster")
        return self.process.wait(ENOUGH_S)
