#ifndef MUSTER_OPS_DIR_H
#define MUSTER_OPS_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Work in a directory that somebody else may write in, possibly as root: by its descriptor, and nothing
 * inside is followed that is a link, so that nobody can lay one there that leads elsewhere. The way to the
 * directory itself is the operator's, links and all.
 *
 * A path inside is plain names with '/' between them. What returns a descriptor, to be closed, returns -1
 * with errno on failure. Any thread. */

int dir_open(const char *path);
/* The one of this name in another one (or AT_FDCWD). */
int dir_open_in(int at, const char *name);
/* The one that a path's last name, *name, is in; make: those that are missing are made, for their owner
 * alone. */
int dir_enter(int at, const char *path, bool make, const char **name);

/* Opens a regular file for reading; where root asks, one that belongs to whoever can write in the
 * directories on the way, since he may have laid a hard link to a file there that is not for him. why gets
 * "file PATH: …" on failure; MU_E_NOT_FOUND: there is none; MU_E_REFUSED: it is something else, or
 * somebody else's; MU_E_IO. */
MU_MUST_USE enum mu_err dir_open_file(int at, const char *path, int *fd, char *why, size_t why_size);
/* Makes a file that is not there yet, for its owner alone, and the directories on the way. */
int dir_create_file(int at, const char *path);
/* Removes what has this name, with all that is in it, as far as it can. */
void dir_remove_tree(int at, const char *name);
/* Removes what is in a directory, except lost+found, as far as it can. */
void dir_remove_content(int fd);

#endif
