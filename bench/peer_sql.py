"""SQLite in this process as the peer: the same question, prepared once, asked again and again."""

import sqlite3
import time


class Sql:
    def __init__(self, file):
        self.db = sqlite3.connect(file)
        self.db.execute("PRAGMA mmap_size = 4000000000")
        self.db.execute("PRAGMA cache_size = -500000")
        self.db.execute("PRAGMA temp_store = MEMORY")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db.close()

    def ask(self, queries, parameters):
        return [self.db.execute(sql, parameters).fetchall() for sql in queries]

    def measure(self, queries, parameters, seconds):
        """per_second, one after the other; cpu_us each. At least once, however long that takes."""
        count, cpu, began = 0, time.thread_time(), time.monotonic()
        while count == 0 or time.monotonic() - began < seconds:
            self.ask(queries, parameters)
            count += 1
        return {"per_second": count / (time.monotonic() - began), "cpu_us": (time.thread_time() - cpu) / count * 1e6}
