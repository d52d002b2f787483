#ifndef MUSTER_BASE_VERSION_H
#define MUSTER_BASE_VERSION_H

/* What was built. version.c is written anew when the commit changes; nothing else is compiled again then. */

extern const char version_text[];   /* "0.1.0" */
extern const char version_commit[]; /* 12 hex digits, with "-dirty" if the sources differ from it; or "unknown" */

#endif
