"""What a request costs beside the web server that is known for costing little."""

import urllib.request

import load
from run import case
from servers import Muster, Product, nginx


@case
def device_detail(run):
    """`GET device_detail` with a token, 64 connections; nginx 1.22 answering the same bytes as a constant"""
    with Muster(f"{run.directory}/data") as muster:
        product = Product(muster, run.directory)
        path = product.path(f"/device_detail?mac={product.mac}")
        token = f"token {product.token()}"
        asked = urllib.request.Request(muster.url(path), headers={"Authorization": token})
        with urllib.request.urlopen(asked) as answer:
            body = answer.read().decode()
            head = [(n, v) for n, v in answer.headers.items() if n.lower().startswith("x-")]
        with nginx(run.directory, product.path("/device_detail"), body, head) as peer:

            def ask(server, port):
                return load.http(server.pid, f"http://127.0.0.1:{port}", [path], [f"Authorization: {token}"],
                                 run.seconds, 64, f"{run.directory}/paths")

            own, other = run.turns(lambda: ask(muster, muster.http), lambda: ask(peer, peer.port))
    run.against("CPU per request", "µs", own["cpu_us"], other["cpu_us"], at_most=1.0)
    run.against("requests per second", "", own["per_second"], other["per_second"])
    run.against("p99", "ms", own["p99_ms"], other["p99_ms"])
