/* Between a program and the C library: calls that fail, a clock that is wrong, a log of what was flushed.
 *
 * SOAK_FAIL=CALL:N:ERRNO:COUNT:FOLDER  the N-th write, rename, fsync or open on a path below FOLDER fails, and COUNT - 1 after it.
 * SOAK_CLOCK=SECONDS                   what the real-time clock is ahead.
 * SOAK_FLUSHED=FILE                    gets `inode size` of each file and folder that was flushed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int seen;

static int fails(const char *call, const char *path) {
    const char *armed = getenv("SOAK_FAIL");
    char name[16], folder[PATH_MAX];
    int at, error, count;
    if (!armed || sscanf(armed, "%15[^:]:%d:%d:%d:%4095s", name, &at, &error, &count, folder) != 5) return 0;
    if (strcmp(name, call) || strncmp(path, folder, strlen(folder))) return 0;
    int number = __sync_add_and_fetch(&seen, 1);
    if (number < at || number >= at + count) return 0;
    errno = error;
    return 1;
}

static const char *path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return path;
}

static int fd_fails(const char *call, int fd) {
    char path[PATH_MAX];
    return getenv("SOAK_FAIL") && fails(call, path_of(fd, path));
}

static void note(int fd) {
    const char *log = getenv("SOAK_FLUSHED");
    char line[64];
    struct stat found;
    if (!log || fstat(fd, &found)) return;
    int length = snprintf(line, sizeof line, "%llu %lld\n", (unsigned long long)found.st_ino, (long long)found.st_size);
    int out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (out < 0) return;
    if (syscall(SYS_write, out, line, length) < 0) { }
    syscall(SYS_close, out);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    if (fd > 2 && fd_fails("write", fd)) return -1;
    return syscall(SYS_write, fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (fd_fails("write", fd)) return -1;
    return syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

int fsync(int fd) {
    if (fd_fails("fsync", fd)) return -1;
    static int (*real)(int);
    if (!real) real = REAL(fsync);
    int done = real(fd);
    if (!done) note(fd);
    return done;
}

int fdatasync(int fd) {
    if (fd_fails("fsync", fd)) return -1;
    static int (*real)(int);
    if (!real) real = REAL(fdatasync);
    int done = real(fd);
    if (!done) note(fd);
    return done;
}

int rename(const char *from, const char *to) {
    if (fails("rename", to)) return -1;
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static long shift(void) {
    const char *clock = getenv("SOAK_CLOCK");
    return clock ? atol(clock) : 0;
}

int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = REAL(clock_gettime);
    int done = real(which, now);
    if (!done && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

/* Waits until a moment of the real-time clock: the kernel's is right. */
static struct timespec corrected(const struct timespec *until) {
    struct timespec now, right = *until;
    long by = shift();
    clock_gettime(CLOCK_REALTIME, &now);
    long away = until->tv_sec - now.tv_sec;
    if (by && away > -43200 && away < 43200) right.tv_sec -= by;
    return right;
}

int sem_timedwait(sem_t *restrict what, const struct timespec *restrict until) {
    static int (*real)(sem_t *, const struct timespec *);
    if (!real) real = REAL(sem_timedwait);
    struct timespec right = corrected(until);
    return real(what, &right);
}

int pthread_cond_timedwait(pthread_cond_t *restrict what, pthread_mutex_t *restrict with, const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!real) real = REAL(pthread_cond_timedwait);
    struct timespec right = corrected(until);
    return real(what, with, &right);
}
