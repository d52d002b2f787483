"""Finding devices among a million."""


import fleet
import load
from peer_sql import Sql
from run import case
from servers import nginx_like

ROW = ("did, mac, is_online, country, region, city, longitude, latitude, is_faulty, is_alert, online_latest, "
       "created_at, version")

# Three filters each: what is asked over HTTP, the same in SQL, whether counting is most of the work.
KINDS = {
    "online, no fault, country": (
        "is_online=1&is_faulty=0&country=China", "is_online = 1 AND is_faulty = 0 AND country = 'China'", True),
    "offline, no alert, region": (
        "is_online=0&is_alert=0&region=Region%200", "is_online = 0 AND is_alert = 0 AND region = 'Region 0'", True),
    "online, a tenth of the groups, active for a week": (
        "is_online=1&gid={tenth}&liveness_start={week}",
        "is_online = 1 AND grp IN (SELECT grp FROM subtree WHERE ancestor = 2) AND last_report >= :week", True),
    "offline, country, active for a month": (
        "is_online=0&country=China&liveness_start={month}",
        "is_online = 0 AND country = 'China' AND last_report >= :month", True),
    "online, alert, region": (
        "is_online=1&is_alert=1&region=Region%203", "is_online = 1 AND is_alert = 1 AND region = 'Region 3'", False),
    "online, fault, city": (
        "is_online=1&is_faulty=1&city=City%207", "is_online = 1 AND is_faulty = 1 AND city = 'City 7'", False),
    "a leaf group, offline, no fault": (
        "gid={leaf}&is_online=0&is_faulty=0", "grp = 400 AND is_online = 0 AND is_faulty = 0", False),
}


def moments(sample):
    return {"week": sample.now - 7 * 86400, "month": sample.now - 30 * 86400}


@case("Search and reports")
def search(run):
    """`devices/search`, 20 rows with total, three filters, 1,000,000 devices, 400,000 online, over HTTP on 2
    connections; the same query in SQLite in process, with indexes for it. Beside the p99: of nginx answering the same
    bytes as a constant, on as many connections, taking turns"""
    sample = fleet.Fleet(100000 if run.quick else 1000000)
    seconds = max(1, run.seconds // 2)
    with sample.served(run.directory) as muster, Sql(sample.peer) as sql:
        headers = [f"Authorization: token {fleet.SampleProduct(muster).token()}"]
        for name, (query, where, heavy) in KINDS.items():
            path = f"/v1/products/{fleet.KEY}/devices/search?" + query.format(
                tenth=fleet.gid("tenth"), leaf=fleet.gid("leaf"), **moments(sample))
            found = f"FROM device WHERE product = 1 AND is_disabled = 0 AND {where}"
            queries = [f"SELECT count(*) {found}", f"SELECT {ROW} {found} ORDER BY created_at DESC, did LIMIT 20"]

            def ask(server, port):
                return load.http(server.pid, f"http://127.0.0.1:{port}", [path], headers, seconds, 2,
                                 f"{run.directory}/paths")

            with nginx_like(run.directory, muster.url(path), headers) as floor:
                own, least, other = run.turns(lambda: ask(muster, muster.http), lambda: ask(floor, floor.port),
                                              lambda: sql.measure(queries, moments(sample), seconds / 2))
            run.value(f"{name}: p99", "ms", own["p99_ms"], at_most=2, peer=least["p99_ms"])
            run.against(f"{name}: CPU", "µs", own["cpu_us"], other["cpu_us"], at_most=1 / 50 if heavy else None)
            run.curve("latency", f"search: {name}", own["curve"][-1])
