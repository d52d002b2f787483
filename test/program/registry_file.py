"""A registry.db that nobody has open, changed from outside."""

import contextlib
import os
import sqlite3
import zlib

PAGE = 4096
MARK = b"muP1"


def sealed(page, no):
    """The page with its checksum, as muster writes it."""
    page = page[:PAGE - 8] + MARK
    return page + zlib.crc32(no.to_bytes(4, "big") + page).to_bytes(4, "big")


def seal(path):
    """Gives each page its checksum: SQLite by itself does not."""
    with open(path, "r+b") as file:
        pages = file.read()
        file.seek(0)
        for at in range(0, len(pages), PAGE):
            file.write(sealed(pages[at:at + PAGE], at // PAGE + 1))


@contextlib.contextmanager
def changed(path, **options):
    """A connection of SQLite's own; what it has committed at the end is as if muster had written it."""
    with contextlib.closing(sqlite3.connect(path, **options)) as db:
        yield db
    seal(path)


def make_plain(path):
    """The same rows in a file as muster wrote it before its pages had checksums."""
    plain = f"{path}.plain"
    with contextlib.closing(sqlite3.connect(plain, isolation_level=None)) as db:
        db.execute("ATTACH ? AS src", (str(path),))
        for pragma in ("application_id", "user_version"):
            (value,) = db.execute(f"PRAGMA src.{pragma}").fetchone()
            db.execute(f"PRAGMA main.{pragma} = {value}")
        objects = db.execute("SELECT type, name, sql FROM src.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE "
                             "'sqlite_%' ORDER BY type = 'index'").fetchall()
        for kind, name, sql in objects:
            db.execute(sql)
            if kind == "table":
                db.execute(f"INSERT INTO main.{name} SELECT * FROM src.{name}")
        db.execute("DELETE FROM main.sqlite_sequence")
        db.execute("INSERT INTO main.sqlite_sequence SELECT * FROM src.sqlite_sequence")
        db.execute("DETACH src")
        db.execute("PRAGMA journal_mode = WAL")
    os.replace(plain, path)
