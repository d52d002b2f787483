/* Checksums of pages: a VFS of our own between SQLite and the file (sqlite_pages.h). */
#include "sql/sqlite_pages.h"

#include <assert.h>
#include <sqlite3.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"

/* Offsets: of the header's fields in the first page, and of the mark and the sum in each page. */
enum {
    AT_RESERVED = 20,
    AT_FIRST_TREE = 100,
    AT_MARK = PAGES_SIZE - PAGES_RESERVED,
    AT_SUM = AT_MARK + 4,
};

enum { INNER_OF_TABLE = 5 }; /* the kind of a page: its first byte */

static const char magic[16] = "SQLite format 3";
static const uint8_t mark[4] = { 'm', 'u', 'P', '1' };

/* Without this bit SQLite reads whole pages only. If it read parts of overflow pages, it would pass by the
 * checksums. */
#ifndef SQLITE_IOCAP_SUBPAGE_READ
#define SQLITE_IOCAP_SUBPAGE_READ 0x00008000
#endif

struct pages_file {
    sqlite3_file head; /* what SQLite sees */
    enum pages_kind kind;
    bool is_strict, is_lenient;
    uint32_t damaged;
    sqlite3_file inner[]; /* the system's file; the VFS says its size */
};

static sqlite3_vfs *base;

_Static_assert(AT_SUM + 4 == PAGES_SIZE, "the checksum is the last of a page");

/* --- a page ---------------------------------------------------------------------------------------*/

static uint32_t sum_of(const uint8_t *page, uint32_t no)
{
    uint8_t number[4];

    assert(no > 0);
    bytes_put_u32be(number, no);
    return (uint32_t)crc32(crc32(0, number, sizeof(number)), page, AT_SUM);
}

static void seal(uint8_t *page, uint32_t no)
{
    memcpy(page + AT_MARK, mark, sizeof(mark));
    bytes_put_u32be(page + AT_SUM, sum_of(page, no));
}

bool pages_is_whole(const uint8_t page[PAGES_SIZE], uint32_t no)
{
    struct bytes sum = bytes_of(page + AT_SUM, 4);

    return memcmp(page + AT_MARK, mark, sizeof(mark)) == 0 && bytes_u32be(&sum) == sum_of(page, no);
}

/* Whether it is an inner page of a table. Such a page has only page numbers, and which rows are behind them. */
static bool has_ways_only(const uint8_t *page, uint32_t no)
{
    return page[no == 1 ? AT_FIRST_TREE : 0] == INNER_OF_TABLE;
}

enum pages_kind pages_kind_of(const uint8_t first[PAGES_SIZE])
{
    if (first[AT_RESERVED] == PAGES_RESERVED || memcmp(first + AT_MARK, mark, sizeof(mark)) == 0)
        return PAGES_SUMMED;
    return memcmp(first, magic, sizeof(magic)) == 0 ? PAGES_PLAIN : PAGES_NONE;
}

/* --- a file ---------------------------------------------------------------------------------------*/

static int pages_close(sqlite3_file *file)
{
    struct pages_file *f = (struct pages_file *)file;
    return f->inner->pMethods->xClose(f->inner);
}

static int learn_kind(struct pages_file *f)
{
    uint8_t first[PAGES_SIZE];
    assert(f->kind == PAGES_NONE);
    int rc = f->inner->pMethods->xRead(f->inner, first, sizeof(first), 0);

    if (rc == SQLITE_OK)
        f->kind = pages_kind_of(first);
    return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc;
}

static int pages_read(sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
    struct pages_file *f = (struct pages_file *)file;
    int rc;

    if (f->kind == PAGES_NONE && (rc = learn_kind(f)) != SQLITE_OK)
        return rc;
    rc = f->inner->pMethods->xRead(f->inner, out, size, offset);
    /* Before SQLite reads the first page, it also reads the header alone. */
    if (f->kind != PAGES_SUMMED || size != PAGES_SIZE)
        return rc;
    uint32_t no = (uint32_t)(offset / PAGES_SIZE + 1);
    if (rc == SQLITE_OK ? pages_is_whole(out, no) : rc != SQLITE_IOERR_SHORT_READ || !f->is_strict)
        return rc;
    f->damaged = no;
    return f->is_lenient && rc == SQLITE_OK && has_ways_only(out, no) ? rc : SQLITE_IOERR_DATA;
}

/* If a new file has more pages than SQLite keeps in memory, its first page is written last. Pages before it are written
 * as the kind that the file will be, and the first page must say the same kind. */
static int pages_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct pages_file *f = (struct pages_file *)file;
    uint8_t page[PAGES_SIZE];

    if (size != PAGES_SIZE)
        return f->kind == PAGES_PLAIN ? f->inner->pMethods->xWrite(f->inner, bytes, size, offset) : SQLITE_IOERR_WRITE;
    memcpy(page, bytes, sizeof(page));
    if (offset == 0) {
        enum pages_kind kind = page[AT_RESERVED] == PAGES_RESERVED ? PAGES_SUMMED : PAGES_PLAIN;
        if (f->kind == PAGES_NONE)
            f->kind = kind;
        else if (f->kind != kind)
            return SQLITE_IOERR_WRITE;
    } else if (f->kind == PAGES_NONE) {
        f->kind = PAGES_SUMMED;
    }
    assert(f->kind != PAGES_NONE);
    if (f->kind == PAGES_SUMMED)
        seal(page, (uint32_t)(offset / PAGES_SIZE + 1));
    return f->inner->pMethods->xWrite(f->inner, page, size, offset);
}

static int pages_file_control(sqlite3_file *file, int op, void *arg)
{
    struct pages_file *f = (struct pages_file *)file;

    if (op != PAGES_FCNTL_DAMAGED)
        return f->inner->pMethods->xFileControl(f->inner, op, arg);
    *(uint32_t *)arg = f->damaged;
    f->damaged = 0;
    return SQLITE_OK;
}

static int pages_characteristics(sqlite3_file *file)
{
    struct pages_file *f = (struct pages_file *)file;
    return f->inner->pMethods->xDeviceCharacteristics(f->inner) & ~SQLITE_IOCAP_SUBPAGE_READ;
}

/* All other calls are passed on. */
#define PASS(name, method, parameters, ...)                                     \
    static int name parameters                                                  \
    {                                                                           \
        struct pages_file *f = (struct pages_file *)file;                       \
        return f->inner->pMethods->method(f->inner __VA_OPT__(, ) __VA_ARGS__); \
    }
PASS(pages_truncate, xTruncate, (sqlite3_file * file, sqlite3_int64 size), size)
PASS(pages_sync, xSync, (sqlite3_file * file, int flags), flags)
PASS(pages_file_size, xFileSize, (sqlite3_file * file, sqlite3_int64 *size), size)
PASS(pages_lock, xLock, (sqlite3_file * file, int level), level)
PASS(pages_unlock, xUnlock, (sqlite3_file * file, int level), level)
PASS(pages_check_lock, xCheckReservedLock, (sqlite3_file * file, int *is_locked), is_locked)
PASS(pages_sector_size, xSectorSize, (sqlite3_file * file))
PASS(pages_shm_map, xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **at), page, size,
     extend, at)
PASS(pages_shm_lock, xShmLock, (sqlite3_file * file, int at, int count, int flags), at, count, flags)
PASS(pages_shm_unmap, xShmUnmap, (sqlite3_file * file, int remove), remove)

static void pages_shm_barrier(sqlite3_file *file)
{
    struct pages_file *f = (struct pages_file *)file;
    f->inner->pMethods->xShmBarrier(f->inner);
}

/* Version 2 maps the WAL's index into memory, but not the file itself: mapped pages would not be checked. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = pages_close,
    .xRead = pages_read,
    .xWrite = pages_write,
    .xTruncate = pages_truncate,
    .xSync = pages_sync,
    .xFileSize = pages_file_size,
    .xLock = pages_lock,
    .xUnlock = pages_unlock,
    .xCheckReservedLock = pages_check_lock,
    .xFileControl = pages_file_control,
    .xSectorSize = pages_sector_size,
    .xDeviceCharacteristics = pages_characteristics,
    .xShmMap = pages_shm_map,
    .xShmLock = pages_shm_lock,
    .xShmBarrier = pages_shm_barrier,
    .xShmUnmap = pages_shm_unmap,
};

static int pages_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *got)
{
    struct pages_file *f = (struct pages_file *)file;

    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return base->xOpen(base, path, file, flags, got);
    *f = (struct pages_file){ 0 };
    const char *care = sqlite3_uri_parameter(path, PAGES_URI_CARE);
    f->is_strict = care && strcmp(care, PAGES_STRICT) == 0;
    f->is_lenient = care && strcmp(care, PAGES_LENIENT) == 0;
    int rc = base->xOpen(base, path, f->inner, flags, got);
    f->head.pMethods = f->inner->pMethods ? &methods : NULL;
    return rc;
}

void pages_register(void)
{
    static sqlite3_vfs vfs;

    if (!(base = sqlite3_vfs_find(NULL)))
        return; /* then opening a file fails with an error */
    vfs = *base;
    vfs.pNext = NULL;
    vfs.zName = PAGES_VFS;
    vfs.szOsFile = (int)sizeof(struct pages_file) + base->szOsFile;
    vfs.xOpen = pages_open;
    sqlite3_vfs_register(&vfs, 0);
}
