/* Reads the whole file before anything is written, from its beginning to its end. Otherwise damage in a page that is
 * not read for years would be found when no backup has that page any more.
 *
 * A wrong checksum alone does not mean damage. A power cut during a checkpoint leaves such pages, but the WAL still has
 * them. Or the page may be free. So SQLite is asked whether it meets such a page among those that it needs. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sql/sqlite_pages.h"

enum { CHUNK_PAGES = 256 };

/* Offsets in the header: of the file's size in pages, and of two counters. The size is valid if the counters are
 * equal. */
enum { AT_COUNTER = 24, AT_PAGES = 28, AT_PAGES_HOLD_FOR = 92 };

struct file_scan {
    const char *path;
    int fd;
    uint64_t size;    /* bytes */
    uint32_t pages;   /* whole pages */
    uint32_t said;    /* the number of pages that the header says */
    uint32_t damaged; /* how many */
    uint32_t first;   /* the first damaged page */
};

static uint32_t number_at(const uint8_t *at)
{
    struct bytes in = bytes_of(at, 4);
    return bytes_u32be(&in);
}

static bool has_bytes(const char *path, const char *ending)
{
    struct stat st;
    char name[4200];

    snprintf(name, sizeof(name), "%s%s", path, ending);
    return stat(name, &st) == 0 && st.st_size > 0;
}

static void note_damaged(struct file_scan *s, uint32_t no)
{
    assert(no > s->first);
    if (s->damaged++ == 0)
        s->first = no;
}

/* A page that the disk cannot read is damaged, too. */
static enum mu_err scan_pages(struct file_scan *s)
{
    uint8_t *chunk = malloc((size_t)CHUNK_PAGES * PAGES_SIZE);

    if (!chunk)
        return MU_E_NOMEM;
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (uint32_t no = 1; no <= s->pages;) {
        ssize_t got = pread(s->fd, chunk, (size_t)CHUNK_PAGES * PAGES_SIZE, (off_t)(no - 1) * PAGES_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < PAGES_SIZE)
            note_damaged(s, no++);
        for (const uint8_t *at = chunk; got >= PAGES_SIZE && no <= s->pages; got -= PAGES_SIZE, at += PAGES_SIZE) {
            if (no != PAGES_LOCK_PAGE && !pages_is_whole(at, no))
                note_damaged(s, no);
            no++;
        }
    }
    free(chunk);
    return MU_OK;
}

/* Whether all pages in use can be read. page: one that cannot; 0: not known. */
static enum mu_err ask_sqlite(const char *path, uint32_t *page)
{
    struct db db;
    char found[8];
    enum mu_err err;

    if ((err = sqlite_open_unchanged(&db, path, PAGES_STRICT)) != MU_OK)
        return err;
    if ((err = db_text_of(&db, "PRAGMA quick_check(1)", NULL, 0, found, sizeof(found))) == MU_OK &&
        strcmp(found, "ok") != 0)
        err = MU_E_CORRUPT;
    *page = sqlite_damaged_page(&db);
    db_close(&db);
    return err;
}

static enum mu_err judge(const struct file_scan *s, char *why, size_t why_size)
{
    uint32_t page = 0;
    char others[40] = "";
    enum mu_err err = ask_sqlite(s->path, &page);

    if (err == MU_OK || err == MU_E_NOMEM || err == MU_E_LOCKED)
        return err;
    if (!page)
        page = s->first;
    if (page == 0 || page > s->pages) {
        snprintf(why, why_size, "its end is missing (%u of %u pages are there)" DAMAGE_ADVICE, s->pages,
                 s->said > s->pages ? s->said : s->pages + 1);
        return MU_E_CORRUPT;
    }
    if (s->damaged > 1)
        snprintf(others, sizeof(others), ", and %u more", s->damaged - 1);
    snprintf(why, why_size, "page %u is damaged (its checksum is wrong)%s" DAMAGE_ADVICE, page, others);
    return MU_E_CORRUPT;
}

static enum mu_err scan_open_file(struct file_scan *s, enum scan_state *state, char *why, size_t why_size)
{
    uint8_t first[PAGES_SIZE] = { 0 };
    enum mu_err err;

    if (s->size == 0) {
        if (!has_bytes(s->path, "-wal"))
            return MU_OK;
        snprintf(why, why_size, "it is empty, but its log " REGISTRY_FILE "-wal is not" DAMAGE_ADVICE);
        return MU_E_CORRUPT;
    }
    if (pread(s->fd, first, sizeof(first), 0) < 0) {
        note_damaged(s, 1);
        return judge(s, why, why_size);
    }
    switch (pages_kind_of(first)) {
    case PAGES_NONE:
        snprintf(why, why_size, "it is damaged: its first page is not that of a database" DAMAGE_ADVICE);
        return MU_E_CORRUPT;
    case PAGES_PLAIN: *state = SCAN_PLAIN; return MU_OK;
    case PAGES_SUMMED: break;
    }
    if (number_at(first + AT_COUNTER) == number_at(first + AT_PAGES_HOLD_FOR))
        s->said = number_at(first + AT_PAGES);
    if ((err = scan_pages(s)) != MU_OK)
        return err;
    if (s->damaged == 0 && s->size % PAGES_SIZE == 0 && s->said <= s->pages) {
        *state = SCAN_WHOLE;
        return MU_OK;
    }
    *state = SCAN_DOUBTFUL;
    return judge(s, why, why_size);
}

enum mu_err sqlite_scan_file(const char *path, enum scan_state *state, char *why, size_t why_size)
{
    struct file_scan s = { .path = path };
    struct stat st;
    enum mu_err err;

    *state = SCAN_NEW;
    /* This file exists from before the first change of a file until it uses a WAL, and while it stops using one. SQLite
     * repairs what was interrupted. */
    if (has_bytes(path, "-journal")) {
        *state = SCAN_DOUBTFUL;
        return MU_OK;
    }
    s.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s.fd < 0 && errno == ENOENT)
        return MU_OK;
    if (s.fd < 0 || fstat(s.fd, &st) != 0) {
        snprintf(why, why_size, "%s", strerror(errno));
        err = MU_E_IO;
        goto out;
    }
    s.size = (uint64_t)st.st_size;
    s.pages = (uint32_t)(s.size / PAGES_SIZE);
    err = scan_open_file(&s, state, why, why_size);
out:
    if (s.fd >= 0)
        close(s.fd);
    return err;
}
