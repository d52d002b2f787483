"""What a report costs from the device's socket to the disk, beside a broker that keeps nothing."""

import load
from run import case
from servers import Muster, Product, mosquitto


@case
def durable_reports(run):
    """QoS 1 reports of 100 devices, decoded, stored, synced, then acknowledged; mosquitto 2.0.11, persistence
    off, acknowledging the same publishes"""
    with Muster(f"{run.directory}/data", "--device-messages", "0", "--device-bytes", "0") as muster, \
            mosquitto(run.directory) as peer:
        product = Product(muster, run.directory)
        own, other = run.turns(
            lambda: load.reports(muster.pid, product, run.seconds, "--http", muster.url("")),
            lambda: load.reports(peer.pid, product, run.seconds, "--plain-broker", "--mqtt", f"127.0.0.1:{peer.port}"))
    run.against("reports per second", "", own["per_second"], other["per_second"], at_least=1.5)
    run.against("CPU per report", "µs", own["cpu_us"], other["cpu_us"], at_most=0.7)
