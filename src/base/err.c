#include "base/err.h"

#include <errno.h>

const char *mu_err_text(enum mu_err err)
{
    switch (err) {
    case MU_OK: return "ok";
    case MU_E_NOMEM: return "out of memory";
    case MU_E_LIMIT: return "too large";
    case MU_E_IO: return "input/output error";
    case MU_E_FULL: return "disk full";
    case MU_E_LOCKED: return "in use by another process";
    case MU_E_SCHEMA: return "written by a newer version of muster";
    case MU_E_CORRUPT: return "damaged";
    case MU_E_NOT_FOUND: return "not found";
    case MU_E_EXISTS: return "exists already";
    case MU_E_SYNTAX: return "malformed";
    case MU_E_FRAME: return "malformed frame";
    case MU_E_VALUE: return "value out of range";
    case MU_E_REFUSED: return "not allowed";
    case MU_E_OFFLINE: return "device offline";
    case MU_E_TIMEOUT: return "timed out";
    case MU_E_CLOSED: return "closed";
    case MU_E_OVER: return "declared over by another node";
    }
    return "unknown error";
}

enum mu_err mu_err_of_errno(int reason)
{
    return reason == ENOSPC || reason == EDQUOT ? MU_E_FULL : MU_E_IO;
}
