"""What a request costs beside the web server that is known for costing little."""

import load
from run import case
from servers import Muster, Product, nginx_like


@case("HTTP")
def device_detail(run):
    """`GET device_detail` with a token, 64 connections; nginx 1.22 answering the same bytes as a constant"""
    with Muster(f"{run.directory}/data") as muster:
        product = Product(muster)
        path = product.path(f"/device_detail?mac={product.mac}")
        headers = [f"Authorization: token {product.token()}"]
        with nginx_like(run.directory, muster.url(path), headers) as peer:

            def ask(server, port):
                return load.http(server.pid, f"http://127.0.0.1:{port}", [path], headers, run.seconds, 64,
                                 f"{run.directory}/paths")

            own, other = run.turns(lambda: ask(muster, muster.http), lambda: ask(peer, peer.port))
    run.against("CPU per request", "µs", own["cpu_us"], other["cpu_us"], at_most=1.0)
    run.against("requests per second", "", own["per_second"], other["per_second"])
    run.against("p99", "ms", own["p99_ms"], other["p99_ms"])
