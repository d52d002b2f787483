#ifndef MUSTER_SQL_SQLITE_PAGES_H
#define MUSTER_SQL_SQLITE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checksums of the pages of registry.db. SQLite has none: it would not notice a flipped bit in a column without an
 * index.
 *
 * SQLite reaches its files through a VFS. This VFS stands before the system's: it handles what is read from or written
 * to the database file itself, and passes everything else on (the WAL has checksums of its own). SQLite leaves the last
 * PAGES_RESERVED bytes of each page alone. They hold a mark, and the CRC-32 of the page's number and of everything
 * before the CRC. Reading a page with a wrong sum returns SQLITE_IOERR_DATA. Since the number is part of the sum, a
 * page in the wrong place is noticed.
 *
 * A file without reserved bytes was made by an older muster. It is read and written as it is. A file never changes from
 * one kind to the other. */
#define PAGES_VFS "muster-pages"

enum {
    PAGES_SIZE = 4096, /* of each muster database */
    PAGES_RESERVED = 8,
    /* The page with the byte that SQLite locks; it is never written. */
    PAGES_LOCK_PAGE = 0x40000000 / PAGES_SIZE + 1,
};

enum pages_kind {
    PAGES_NONE,  /* no page yet, or no database */
    PAGES_PLAIN, /* made by an older muster: no checksums */
    PAGES_SUMMED,
};

/* The kind of a file by its first page. Damage there rarely makes a file with checksums look plain: both the reserved
 * size in the header and the mark at the page's end would have to be damaged. */
enum pages_kind pages_kind_of(const uint8_t first[PAGES_SIZE]);
bool pages_is_whole(const uint8_t page[PAGES_SIZE], uint32_t no); /* numbers begin at 1 */

/* Registers the VFS with SQLite. Call it once, before the first database is opened. */
void pages_register(void);

/* For sqlite3_file_control with a uint32_t *: the last page that was found damaged since the last such call; 0:
 * none. */
enum { PAGES_FCNTL_DAMAGED = 0x6d7501 };

/* A parameter of the file's URI, and its values:
 *
 *   strict   a page beyond the file's end is damaged, too. SQLite reads it as zeros. For checking a file before use
 *   lenient  a damaged page is read if it has no rows and only leads to pages with rows. For salvage */
#define PAGES_URI_CARE "pages"
#define PAGES_STRICT   "strict"
#define PAGES_LENIENT  "lenient"

#endif
