"""A registry.db that nobody has open, changed from outside."""

import contextlib
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
