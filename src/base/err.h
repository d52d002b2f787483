#ifndef MUSTER_BASE_ERR_H
#define MUSTER_BASE_ERR_H

/* The one result type of the program. Functions that can fail return it and must be looked at. */

#define MU_MUST_USE __attribute__((warn_unused_result))

enum mu_err {
    MU_OK = 0,
    MU_E_NOMEM,     /* an allocation failed */
    MU_E_LIMIT,     /* something is larger than its cap in base/limits.h */
    MU_E_IO,        /* the operating system or a store reported an error */
    MU_E_FULL,      /* the disk is full; passes when there is room again */
    MU_E_LOCKED,    /* the data directory is in use by another process */
    MU_E_SCHEMA,    /* the data was written by a newer version */
    MU_E_CORRUPT,   /* the data is damaged */
    MU_E_NOT_FOUND, /* no such thing */
    MU_E_EXISTS,    /* there is one already */
    MU_E_SYNTAX,    /* not in the form it claims to have */
    MU_E_FRAME,     /* a device's frame is short, long or inconsistent */
    MU_E_VALUE,     /* well formed, but outside what is allowed */
    MU_E_REFUSED,   /* not allowed to this caller */
    MU_E_OFFLINE,   /* the device has no session */
    MU_E_TIMEOUT,   /* it took too long */
    MU_E_CLOSED,    /* the other side went away, or this part is shutting down */
    MU_E_OVER,      /* this node has been declared over by another one */
};

/* A short English text, never NULL; static. */
const char *mu_err_text(enum mu_err err);

/* What an errno of a file means: MU_E_FULL (also over a quota), else MU_E_IO. */
MU_MUST_USE enum mu_err mu_err_of_errno(int reason);

#endif
