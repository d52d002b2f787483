#ifndef MUSTER_REGISTRY_SQLITE_PAGES_H
#define MUSTER_REGISTRY_SQLITE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checksums of the pages of registry.db. SQLite has none: a bit that flips in a column without an index
 * is read as if it were true.
 *
 * SQLite reaches its files through a VFS. This one stands before the one of the system: what is read
 * from or written to the database file itself passes by here, all else goes straight on (the WAL has
 * checksums of its own). SQLite leaves the last PAGES_RESERVED bytes of each page alone; in them are a
 * mark and the CRC-32 of the page's number and of all before it. A page that is read with another sum is
 * SQLITE_IOERR_DATA; the number is part of it, so that a page in the wrong place is found.
 *
 * A file that has nothing reserved is one of an older muster. It is read and written as it is; a file
 * never changes from one kind to the other. */
#define PAGES_VFS "muster-pages"

enum {
    PAGES_SIZE = 4096, /* of every database of muster */
    PAGES_RESERVED = 8,
    /* What lies at the byte that SQLite locks is never written. */
    PAGES_LOCK_PAGE = 0x40000000 / PAGES_SIZE + 1,
};

enum pages_kind {
    PAGES_NONE,  /* no page yet, or no database */
    PAGES_PLAIN, /* of an older muster: no checksums */
    PAGES_SUMMED,
};

/* By its first page. Damage there does not make a plain file of one with checksums: it takes both the
 * reserved size in the header and the mark at the page's end. */
enum pages_kind pages_kind_of(const uint8_t first[PAGES_SIZE]);
bool pages_is_whole(const uint8_t page[PAGES_SIZE], uint32_t no); /* numbers begin at 1 */

/* Makes the VFS known to SQLite; once, before the first database is opened. */
void pages_register(void);

/* For sqlite3_file_control; uint32_t *: the last page that was found damaged since this was asked, 0 if none
 * was. */
enum { PAGES_FCNTL_DAMAGED = 0x6d7501 };

/* A parameter of the file's URI, and its values:
 *
 *   strict   a page beyond the file's end is damaged, too: for looking at a file before it is used. SQLite
 *            reads it as zeros
 *   lenient  a damaged page that has no rows, but the way to those that have, is read: for what is left */
#define PAGES_URI_CARE "pages"
#define PAGES_STRICT   "strict"
#define PAGES_LENIENT  "lenient"

#endif
