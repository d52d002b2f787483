"""What the journal takes of the disk and of the processor, beside RocksDB alone."""

import os
import re
import subprocess
import tempfile

from run import case
from servers import BUILD


def _store(run, program, payload, messages, devices):
    """Runs journal_bench or rocksdb_bench: the same messages of the same devices in the same batches."""
    with tempfile.TemporaryDirectory(dir=run.directory) as directory:
        text = subprocess.run([os.path.join(BUILD, "bench", program), directory, str(messages), str(devices), payload],
                              check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


@case("Ingest")
def journal_size(run):
    """4,000,000 messages of 100 bytes from 10,000 devices over a day, in synced batches of 2,000; RocksDB 7.8 with
    its defaults, key device and timestamp, value the frame. Steady: six measurements drift, a meter counts,
    the rest stays as it is. Random: each byte drawn anew, which nobody can compress"""
    size = (200000, 1000) if run.quick else (4000000, 10000)
    own, peer = run.turns(lambda: _store(run, "journal_bench", "steady", *size),
                          lambda: _store(run, "rocksdb_bench", "steady", *size))
    run.against("steady: bytes per message", "B", own["bytes"], peer["bytes"], at_most=0.6)
    run.against("steady: the peer's tables merged whole", "B", own["bytes"], peer["merged_bytes"])
    run.against("steady: CPU per message, the journal's with device states", "µs", own["cpu_us"], peer["cpu_us"])
    random, incompressible = (_store(run, program, "random", *size) for program in ("journal_bench", "rocksdb_bench"))
    run.against("random: bytes per message", "B", [random["bytes"]], [incompressible["bytes"]])


@case("Ingest")
def journal_devices(run):
    """CPU per message by number of devices, which report at random: 2,000,000 messages of 100 bytes, steady as in
    `journal_size`, in synced batches of 2,000, one round. The journal keeps the devices' states, too; RocksDB 7.8 with
    its defaults keeps none. With a million devices, each has told two messages on average"""
    for devices in (2000, 10000) if run.quick else (2000, 10000, 100000, 1000000):
        own, peer = (_store(run, program, "steady", 100000 if run.quick else 2000000, devices)
                     for program in ("journal_bench", "rocksdb_bench"))
        run.against(f"{devices:,} devices: CPU per message", "µs", [own["cpu_us"]], [peer["cpu_us"]])
