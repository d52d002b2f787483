#include "ops/privileges.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/file.h"

/* Root's rights: what root prepares for a user, and becoming that user, for a while or for good. */

void privileges_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum mu_err find_user(struct passwd **pw, const char *user, char *why, size_t why_size)
{
    *pw = getpwnam(user);
    if (!*pw) {
        snprintf(why, why_size, "there is no user '%s' on this machine", user);
        return MU_E_NOT_FOUND;
    }
    if ((*pw)->pw_uid == 0) {
        snprintf(why, why_size, "--user must name somebody other than root");
        return MU_E_VALUE;
    }
    return MU_OK;
}

enum mu_err privileges_check_user(const char *user, char *why, size_t why_size)
{
    struct passwd *pw;
    return find_user(&pw, user, why, why_size);
}

enum mu_err privileges_give_dir(const char *dir, const char *user, char *why, size_t why_size)
{
    struct passwd *pw;
    enum mu_err err;

    if ((err = find_user(&pw, user, why, why_size)) != MU_OK || (err = file_make_dir(dir, why, why_size)) != MU_OK)
        return err;
    if (chown(dir, pw->pw_uid, pw->pw_gid) != 0) {
        snprintf(why, why_size, "cannot give %s to user '%s': %s", dir, user, strerror(errno));
        return MU_E_IO;
    }
    return MU_OK;
}

/* Root's home says where root's files are, which another user may not read: libpq looks there for a certificate, and
 * fails if it may not look. Without HOME it takes the home of the user that the process has become. */
static void leave_home(void)
{
    unsetenv("HOME");
}

/* name: NULL if this machine has no user with the number, as with files that came from another machine. */
static enum mu_err become(uid_t uid, gid_t gid, const char *name, char *why, size_t why_size)
{
    assert(uid != 0);
    if ((name ? initgroups(name, gid) : setgroups(0, NULL)) != 0 || setgid(gid) != 0 || setuid(uid) != 0 ||
        setuid(0) == 0) {
        snprintf(why, why_size, "cannot become user %u (%s): %s", uid, name ? name : "unknown", strerror(errno));
        return MU_E_IO;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    leave_home();
    return MU_OK;
}

enum mu_err privileges_become_owner(const char *dir, char *why, size_t why_size)
{
    struct stat st;

    if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
        return MU_OK;
    struct passwd *pw = getpwuid(st.st_uid);
    return become(st.st_uid, pw ? pw->pw_gid : st.st_gid, pw ? pw->pw_name : NULL, why, why_size);
}

enum mu_err privileges_step_down(const char *user, char *why, size_t why_size)
{
    struct passwd *pw;
    enum mu_err err = find_user(&pw, user, why, why_size);

    if (err != MU_OK)
        return err;
    assert(getuid() == 0);
    if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setegid(pw->pw_gid) != 0 || seteuid(pw->pw_uid) != 0) {
        snprintf(why, why_size, "cannot become user '%s': %s", user, strerror(errno));
        return MU_E_IO;
    }
    leave_home();
    return MU_OK;
}

enum mu_err privileges_step_up(char *why, size_t why_size)
{
    assert(getuid() == 0);
    if (seteuid(0) != 0 || setegid(0) != 0) {
        snprintf(why, why_size, "cannot become root again: %s", strerror(errno));
        return MU_E_IO;
    }
    return MU_OK;
}

enum mu_err privileges_drop(const char *user, char *why, size_t why_size)
{
    struct passwd *pw;
    enum mu_err err = find_user(&pw, user, why, why_size);

    return err == MU_OK ? become(pw->pw_uid, pw->pw_gid, pw->pw_name, why, why_size) : err;
}
