"""Counting a million devices by place, day and event."""

import datetime
import time
import urllib.request

import fleet
import load
from peer_sql import Sql
from run import case
from servers import nginx_like

BLOCK = 28  # days of an activity row of the peer's (make_peer.c)
PLACE = "country, region, city"
COUNTED = "FROM device WHERE product = 1 AND is_disabled = 0"
TENTH = "AND grp IN (SELECT grp FROM subtree WHERE ancestor = 2)"


def active(first, last, also=""):
    """Devices that were active in a range of days, by place, in SQL."""
    parts = []
    for block in range((first + 3) // BLOCK, (last + 3) // BLOCK + 1):
        start = block * BLOCK - 3
        mask = sum(1 << day for day in range(BLOCK) if first <= start + day <= last)
        parts.append(f"SELECT device FROM activity WHERE block = {block} AND days & {mask}")
    return (f"SELECT {PLACE}, count(*) FROM device WHERE no IN ({' UNION '.join(parts)}) AND product = 1 "
            f"AND is_disabled = 0 {also} GROUP BY {PLACE}")


def activated(first, last):
    return f"SELECT {PLACE}, count(*) {COUNTED} AND activated_day BETWEEN {first} AND {last} GROUP BY {PLACE}"


def events(alert, columns=""):
    return (f"SELECT {PLACE}{columns}, count(*), sum(resolved <> 0) FROM event e JOIN device d ON d.no = e.device "
            f"WHERE e.product = 1 AND e.is_alert = {alert} AND d.is_disabled = 0 GROUP BY {PLACE}{columns}")


def event_devices(alert):
    return (f"SELECT {PLACE}, count(*), sum(open = 0) FROM (SELECT device, sum(resolved = 0) AS open FROM event "
            f"WHERE product = 1 AND is_alert = {alert} GROUP BY device) e JOIN device d ON d.no = e.device "
            f"WHERE d.is_disabled = 0 GROUP BY {PLACE}")


def rows(first, last):
    """A page of active_devices and its total."""
    days = []
    for day in range(last, first - 1, -1):
        block, bit = divmod(day + 3, BLOCK)
        days.append(f"SELECT {day} AS day, device FROM activity WHERE block = {block} AND days & {1 << bit}")
    found = (f"FROM ({' UNION ALL '.join(days)}) a JOIN device d ON d.no = a.device "
             "WHERE d.product = 1 AND d.is_disabled = 0")
    return [f"SELECT count(*) {found}",
            f"SELECT day, mac, {PLACE}, created_at {found} ORDER BY day DESC, mac LIMIT 20"]


def weeks(today, count):
    """The last so many ISO weeks, the present one included, as (first day, last day)."""
    monday = today - (today + 3) % 7
    return [(monday - 7 * i, monday - 7 * i + 6) for i in range(count - 1, -1, -1)]


def date(day):
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


def week(day):
    year, number, _ = date(day).isocalendar()
    return f"{year}-{number:02}"


def kinds(today):
    """name: (path below the product, the same in SQL)"""
    month, far = weeks(today, 53), today - 29
    week_span = f"start={week(month[0][0])}&end={week(today)}"
    days = f"start={date(far)}&end={date(today)}"
    return {
        "where they are": ("/devices/locations", [f"SELECT {PLACE}, count(*) {COUNTED} GROUP BY {PLACE}"]),
        "where the online ones of a tenth are": (
            f"/devices/locations?is_online=1&gid={fleet.gid('tenth')}",
            [f"SELECT {PLACE}, count(*) {COUNTED} AND is_online = 1 {TENTH} GROUP BY {PLACE}"]),
        "realtime": (
            "/devices/report/rt",
            [f"SELECT {PLACE}, sum(activated_at > 0), sum(is_faulty), sum(is_alert) {COUNTED} GROUP BY {PLACE}"]),
        "summary": (
            "/devices/summary",
            [f"SELECT count(*) FROM ({active(today - 6, today)})", active(today - 1, today - 1),
             f"SELECT sum(activated_day >= {today - 6}), sum(activated_day >= {today - 29}), "
             f"sum(activated_day = {today - 1}), sum(activated_day = {today}) {COUNTED} "
             f"AND activated_day >= {today - 29}", f"SELECT count(*) {COUNTED} AND activated_day > 0",
             f"SELECT count(*) {COUNTED} AND is_online = 1"]),
        "liveness": (
            "/devices/report/liveness",
            [active(today - 1, today - 1), active(today - 6, today), active(today - 29, today)]),
        "liveness of a tenth": (
            f"/devices/report/liveness?gid={fleet.gid('tenth')}",
            [active(a, b, TENTH) for a, b in ((today - 1, today - 1), (today - 6, today), (today - 29, today))]),
        "liveness by day, 30 days": (
            f"/devices/report/liveness/history?cycle=date&{days}",
            [active(day, day) for day in range(far, today + 1)]),
        "liveness by week, 53 weeks": (
            f"/devices/report/liveness/history?cycle=week&{week_span}", [active(a, b) for a, b in month]),
        "liveness by week of a tenth, 53 weeks": (
            f"/devices/report/liveness/history?cycle=week&{week_span}&gid={fleet.gid('tenth')}",
            [active(a, b, TENTH) for a, b in month]),
        "activation by day, 30 days": (
            f"/devices/report/activation?cycle=date&{days}",
            [activated(day, day) for day in range(far, today + 1)]),
        "activation rows, 30 days": (
            f"/incr_devices?{days}",
            [f"SELECT count(*) {COUNTED} AND activated_day BETWEEN {far} AND {today}",
             f"SELECT activated_day, mac, {PLACE}, created_at {COUNTED} AND activated_day BETWEEN {far} AND {today} "
             "ORDER BY activated_day DESC, mac LIMIT 20"]),
        "active rows, 30 days": (f"/active_devices?{days}", rows(far, today)),
        "devices with faults": ("/fault/report/devices", [event_devices(0)]),
        "devices with alerts": ("/alert/report/devices", [event_devices(1)]),
        "faults": ("/fault/report/events", [events(0), events(0, ", name")]),
        "alerts": ("/alert/report/events", [events(1), events(1, ", name")]),
    }


def user_kinds(today):
    """Reports on 200,000 users, each bound to a device; 140,000 of them to one of the product's."""
    days = f"{date(today - 29)}", f"{date(today)}"
    product = f"/v1/products/{fleet.KEY}/users/report"
    return {
        "users, total": f"{product}/total",
        "users, new by day, 30 days": f"{product}/new?cycle=date&start={days[0]}&end={days[1]}",
        "users, active by day, 30 days":
            f"/v1/users/liveness_total?product_key={fleet.KEY}&start_date={days[0]}&end_date={days[1]}",
        "users, where they are": f"/v1/users/location?product_key={fleet.KEY}",
    }


def first_calls(run, muster, sample, headers):
    """Milliseconds of a history that nobody has asked for yet: each time of another tenth of the groups."""
    path, _ = kinds(sample.today)["liveness by week of a tenth, 53 weeks"]
    found = []
    for group in range(fleet.GROUPS["tenth"] + 1, fleet.GROUPS["tenth"] + 1 + run.rounds):
        asked = path.replace(fleet.gid("tenth"), f"{group:032x}")
        request = urllib.request.Request(muster.url(f"/v1/products/{fleet.KEY}{asked}"), headers=headers)
        began = time.monotonic()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        found.append((time.monotonic() - began) * 1e3)
    return found


@case("Search and reports")
def reports(run):
    """Every report over 1,000,000 devices and 13 months, 400,000 online, over HTTP on 2 connections; the same in
    SQLite in process, with indexes for it (not for those on users, 200,000 of them). Beside the p99: of nginx
    answering the same bytes as a constant, on as many connections, taking turns"""
    sample = fleet.Fleet(100000 if run.quick else 1000000)
    seconds = max(1, run.seconds // 4)
    with sample.served(run.directory) as muster, Sql(sample.peer) as sql:
        token = f"token {fleet.SampleProduct(muster).token()}"
        headers = [f"Authorization: {token}"]
        run.value("liveness by week of a tenth, 53 weeks: a first call", "ms",
                  first_calls(run, muster, sample, {"Authorization": token}), at_most=100)

        def p99(name, path, heads):
            """What else was measured of muster."""
            def ask(server, port):
                return load.http(server.pid, f"http://127.0.0.1:{port}", [path], heads, seconds, 2,
                                 f"{run.directory}/paths")

            with nginx_like(run.directory, muster.url(path), heads) as floor:
                own, least = run.turns(lambda: ask(muster, muster.http), lambda: ask(floor, floor.port))
            run.value(f"{name}: p99", "ms", own["p99_ms"], at_most=1.5, peer=least["p99_ms"])
            return own

        for name, (path, queries) in kinds(sample.today).items():
            peer = sql.measure(queries, {}, 0)  # seconds each, most of them: once will do
            own = p99(name, f"/v1/products/{fleet.KEY}{path}", headers)
            run.against(f"{name}: CPU", "µs", own["cpu_us"], [peer["cpu_us"]] * len(own["cpu_us"]))
        for name, path in user_kinds(sample.today).items():
            own = p99(name, path, headers + fleet.ENTERPRISE_HEADERS)
            run.value(f"{name}: CPU", "µs", own["cpu_us"])
