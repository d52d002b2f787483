/* Metrics that every process has, under the names that all Prometheus clients use. */

#include "serve/metrics_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static double seconds_of(clockid_t clock)
{
    struct timespec t = { 0 };

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads a small file of /proc; "" if that fails. */
static void read_proc(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;

    out[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

uint64_t metrics_count_fds(void)
{
    struct stat st;
    uint64_t count = 0;

    /* Since Linux 6.2 the size is the number of descriptors; before, count the entries. */
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (uint64_t)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", "..", and the directory that was open just now */
}

int64_t metrics_process_start(void)
{
    char text[1024];
    unsigned long long ticks; /* field 22: start time after the boot of the machine */

    read_proc("/proc/self/stat", text, sizeof(text));
    const char *behind_name = strrchr(text, ')');
    if (!behind_name ||
        sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return clock_wall_s();
    double age_s = seconds_of(CLOCK_BOOTTIME) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return clock_wall_s() - (int64_t)age_s;
}

void metrics_write_process(struct metrics *m, struct buf *page)
{
    char text[128];
    unsigned long long pages = 0, resident = 0;
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit fds = { 0 };

    read_proc("/proc/self/statm", text, sizeof(text));
    (void)sscanf(text, "%llu %llu", &pages, &resident);
    getrlimit(RLIMIT_NOFILE, &fds);
    pthread_mutex_lock(&m->lock);
    uint64_t open_fds = m->measured.open_fds;
    pthread_mutex_unlock(&m->lock);

    metrics_head(page, "process_cpu_seconds_total", "counter", "CPU time that the process has used.");
    buf_printf(page, "process_cpu_seconds_total %.6f\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    metrics_one(page, "process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.",
                resident * page_size);
    metrics_one(page, "process_virtual_memory_bytes", "gauge", "Address space of the process.", pages * page_size);
    metrics_one(page, "process_open_fds", "gauge", "Open file descriptors.", open_fds);
    metrics_one(page, "process_max_fds", "gauge", "File descriptors that the process may open.", fds.rlim_cur);
    metrics_one(page, "process_start_time_seconds", "gauge", "When the process started, in Unix seconds.",
                (uint64_t)m->started_s);
}
