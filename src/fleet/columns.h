#ifndef MUSTER_FLEET_COLUMNS_H
#define MUSTER_FLEET_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/id.h"

/* The devices' columns: arrays by device number. They are cut into chunks, so that nothing is moved while the fleet
 * grows and a reader's cache lines stay where they are. A number that names no device has product 0. Memory that no
 * device has touched yet is the kernel's zero page.
 *
 * Fields that are scanned or compared over many devices (last_report, created_at, did) have columns of their own.
 * Fields that one device's message or login touches stand side by side (struct device_told). */
enum { CHUNK_BITS = 16, CHUNK_ROWS = 1 << CHUNK_BITS };

enum device_flag {
    DEVICE_DISABLED = 1,
    DEVICE_PLACED = 2,
    DEVICE_COORDINATES = 4,
    DEVICE_ONLINE = 8,
    DEVICE_FAULTY = 16,
    DEVICE_ALERT = 32,
    DEVICE_TYPE_SHIFT = 6, /* and the next bit: enum device_type */
};

/* What the device has done so far: struct fleet_progress in 56 bytes. Seconds fit 32 bits until 2106; logins and starts
 * fit as long. Microseconds fit 52 bits until 2112. 36 bits count a hundred messages a second for 21 years. */
enum { MOMENT_BITS = 52, COUNT_BITS = 36, DEFINITION_BITS = 26 };
/* A macro, since the compiler does not see from a function that the number fits. */
#define LOW_BITS(n, bits) ((uint64_t)(n) & ((UINT64_C(1) << (bits)) - 1))

struct __attribute__((packed, aligned(8))) device_told {
    uint32_t sessions;
    uint32_t activated_at, online_latest;
    int32_t active_day;
    uint32_t image;    /* block of the pool: 2 bytes of length, the image; 0 = none */
    uint32_t versions; /* versions.h; 0 = the device has told none */
    uint64_t last_ts_us : MOMENT_BITS, last_session_us : MOMENT_BITS;
    uint64_t messages : COUNT_BITS, decoded : COUNT_BITS;
    /* While this node holds an open session: its number, which begins as a moment (microseconds). Otherwise: the start
     * in which a session began that has no end on record; 0 = there is none. */
    uint64_t session : MOMENT_BITS;
    uint64_t definition : DEFINITION_BITS; /* of the image */
    uint64_t numbers_reports : 1;          /* as in journal_state */
    uint64_t mine : 1;                     /* this node holds its session */
};
_Static_assert(sizeof(struct device_told) == 56, "no bit is left over");

struct device_chunk {
    uint32_t last_report[CHUNK_ROWS];
    uint32_t created_at[CHUNK_ROWS];
    uint8_t did[CHUNK_ROWS][DID_PACKED];
    uint32_t product[CHUNK_ROWS];
    uint32_t text[CHUNK_ROWS];  /* block of the pool: mac, passcode, device_sn (device_block.c) */
    uint32_t place[CHUNK_ROWS]; /* places.h; 0 = none */
    uint32_t group[CHUNK_ROWS];
    int32_t longitude[CHUNK_ROWS], latitude[CHUNK_ROWS]; /* 1e-7 degrees, a centimetre */
    /* the device's first entry in its product's events; 0 = none */
    uint32_t events[CHUNK_ROWS];
    uint8_t flags[CHUNK_ROWS];
    struct device_told told[CHUNK_ROWS];
};

struct columns {
    struct device_chunk **chunks;
    uint32_t count;
};

/* `chunks` is the address of an array of pointers to chunks, each of `size` bytes. Makes sure that the chunk of the
 * number exists; a new chunk is all zero. MU_E_NOMEM. */
MU_MUST_USE enum mu_err columns_chunks_reserve(void *chunks, uint32_t *count, uint32_t no, size_t size);
void columns_chunks_free(void *chunks, uint32_t count);
/* Makes sure that there is a row for the number. MU_E_NOMEM. */
MU_MUST_USE enum mu_err columns_reserve(struct columns *cols, uint32_t no);
/* Clears a row except created_at and did, by writing alone: memory that is read before it is written is mapped
 * twice. */
void columns_clear(struct device_chunk *c, uint32_t i);
void columns_free(struct columns *cols);

/* Where a device's row is; c is NULL if there is no such device. */
struct columns_row {
    struct device_chunk *c;
    uint32_t i;
};

/* Unix seconds as a column keeps them: 0 for none, and UINT32_MAX (2106) at the most. */
static inline uint32_t columns_seconds(int64_t unix_s)
{
    return unix_s <= 0 ? 0 : unix_s >= UINT32_MAX ? UINT32_MAX : (uint32_t)unix_s;
}

static inline struct columns_row columns_row(const struct columns *cols, uint32_t no)
{
    struct columns_row r = { NULL, no & (CHUNK_ROWS - 1) };
    if (no >> CHUNK_BITS < cols->count) {
        struct device_chunk *c = cols->chunks[no >> CHUNK_BITS];
        if (c && c->product[r.i])
            r.c = c;
    }
    return r;
}

#endif
