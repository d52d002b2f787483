"""What a case is given and what it leaves: figures with a target each, and curves to be drawn.

A case is a function in a case_*.py. It starts what it needs, lets muster and the peer take turns, and says
what came out:

    @case("HTTP")
    def device_detail(run):
        '''GET device_detail with a token; nginx answering the same bytes as a constant'''
        …
        own, peer = run.turns(measure_muster, measure_nginx)
        run.against("CPU per request", "µs", own["cpu_us"], peer["cpu_us"], at_most=1.0)
"""

import statistics

CASES = {}
# Headings of the page, in its order, and the names of the cases below each.
SUBJECTS = {"Ingest": [], "HTTP": [], "Search and reports": [], "Memory, start and growth": [], "Several nodes": [],
            "Long run": []}


def case(subject):
    """Its name is the function's, its title the docstring: what is measured; the peer."""
    def keep(function):
        CASES[function.__name__] = function
        SUBJECTS[subject].append(function.__name__)
        return function
    return keep


def title(function):
    return " ".join(function.__doc__.split())


class Run:
    """One run of one case."""

    def __init__(self, directory, rounds, seconds, quick):
        self.directory = directory  # an empty one, removed afterwards
        self.rounds = rounds
        self.seconds = seconds      # that a measurement should last
        self.quick = quick          # a try: smaller sizes will do
        self.figures = []
        self.curves = []

    def turns(self, *measures):
        """Calls the functions in turn, `rounds` times. Each returns {name: number}; the answer has, for each
        function, {name: [number of each round]}."""
        rows = [[] for _ in measures]
        for _ in range(self.rounds):
            for row, measure in zip(rows, measures):
                row.append(measure())
        return [{name: [r[name] for r in row] for name in row[0]} for row in rows]

    def value(self, what, unit, values, at_most=None, at_least=None, peer=None):
        """A figure, the median of a list; the target is in the same unit. The peer's is shown beside it. `what` is
        "figure", or "of what: figure" where a case has several of a kind."""
        self._keep(what, unit, statistics.median(values), statistics.median(peer) if peer else None, None, at_most,
                   at_least)

    def against(self, what, unit, own, peer, at_most=None, at_least=None):
        """A figure and the peer's; the target is for the ratio: the median of each round's."""
        ratio = statistics.median(a / b for a, b in zip(own, peer))
        self._keep(what, unit, statistics.median(own), statistics.median(peer), ratio, at_most, at_least)

    def _keep(self, what, unit, own, peer, ratio, at_most, at_least):
        judged = own if ratio is None else ratio
        reached = None
        if at_most is not None or at_least is not None:
            reached = (at_most is None or judged <= at_most) and (at_least is None or judged >= at_least)
        self.figures.append({"what": what, "unit": unit, "muster": own, "peer": peer, "ratio": ratio,
                             "at_most": at_most, "at_least": at_least, "reached": reached})

    def curve(self, plot, label, points):
        """A line [(x, y), …] of one of the plots in plots.py."""
        self.curves.append({"plot": plot, "label": label, "points": points})
