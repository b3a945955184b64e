/* Stands between a process and its files (LD_PRELOAD). It makes calls fail as the control block says, kills the process at a
   chosen call, and keeps a journal of what was written, synced, renamed and removed below one folder, from which the harness
   builds what a power cut could have left. The wall clock can be moved.

   Only what wye and SQLite call is here. The layout of the control block and of a record is in shim.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LOG = 1, DATABASE = 2, LETTERS = 4, OTHER = 8, SHARED_INDEX = 16, FOLDER = 32 };

struct control {
    int64_t fault_mask;   /* classes of files that the faults are for */
    int64_t room;         /* bytes until the disk is full; negative: never */
    int64_t write_eio_in; /* the n-th write from now fails; 0: none */
    int64_t sync_eio_in;  /* the n-th sync from now fails; 0: none */
    int64_t short_permille;
    int64_t write_delay_us;
    int64_t sync_delay_us;
    int64_t clock_offset_ns;
    int64_t kill_mask;
    int64_t kill_in;      /* SIGKILL at the n-th call from now that is on a file of kill_mask; 0: none */
    /* what happened, written here */
    int64_t calls, full, write_eio, sync_eio, shortened, killed;
    int64_t random;
};

struct record {
    uint8_t kind, result, pad[2];
    uint32_t path_len, data_len, token;
    uint64_t inode;
    int64_t offset;
};

#define FDS 4096
static struct { uint8_t class; uint64_t inode; } table[FDS];
static struct control none, *control = &none;
static char root[PATH_MAX];
static size_t root_len;
static int journal = -1;
static uint32_t tokens;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("FAULTS_ROOT"), *log = getenv("FAULTS_JOURNAL"), *block = getenv("FAULTS_CONTROL");
    if (!folder || !block) return;
    root_len = strlen(strncpy(root, folder, sizeof root - 1));
    tokens = (uint32_t)getpid() << 16; /* several processes share a journal */
    int fd = syscall(SYS_openat, AT_FDCWD, block, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) abort();
    syscall(SYS_close, fd);
    if (log) {
        fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0) abort();
        journal = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900); /* out of the way of small numbers */
        syscall(SYS_close, fd);
    }
}

/* ── which files ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

static int absolute(int dirfd, const char *path, char *out) {
    if (!root_len || !path) return 0;
    if (path[0] == '/' || dirfd == AT_FDCWD) {
        if (path[0] == '/') {
            if (strlen(path) >= PATH_MAX) return 0;
            strcpy(out, path);
        } else {
            char here[PATH_MAX];
            if (!getcwd(here, sizeof here) || strlen(here) + strlen(path) + 2 > PATH_MAX) return 0;
            sprintf(out, "%s/%s", here, path);
        }
    } else {
        char link[64];
        sprintf(link, "/proc/self/fd/%d", dirfd);
        ssize_t got = readlink(link, out, PATH_MAX - 1);
        if (got < 0 || got + strlen(path) + 2 > PATH_MAX) return 0;
        sprintf(out + got, "/%s", path);
    }
    return !strncmp(out, root, root_len) && (out[root_len] == '/' || !out[root_len]);
}

static int ends(const char *path, const char *end) {
    size_t a = strlen(path), b = strlen(end);
    return a >= b && !strcmp(path + a - b, end);
}

static int class_of(const char *path) {
    if (ends(path, "-shm")) return SHARED_INDEX;
    if (strstr(path, "dead-letters")) return LETTERS;
    if (ends(path, "-wal")) return LOG;
    if (strstr(path, "/spool/") && !ends(path, ".lock")) return DATABASE;
    return OTHER;
}

static int class_of_fd(int fd) { return fd >= 0 && fd < FDS ? table[fd].class : 0; }

/* ── the journal: one writev a record, under the lock ─────────────────────────────────────────────────────────────────── */

static void note(char kind, int result, uint64_t inode, int64_t offset, uint32_t token, const char *path, const void *data, size_t size) {
    if (journal < 0) return;
    struct record record = {.kind = kind, .result = result, .path_len = path ? strlen(path) : 0, .data_len = size, .token = token, .inode = inode, .offset = offset};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)path, record.path_len}, {(void *)data, size}};
    syscall(SYS_writev, journal, parts, 3);
}

static void count_call(int class) {
    control->calls++;
    if (control->kill_in > 0 && (control->kill_mask & class) && --control->kill_in == 0) {
        control->killed++;
        syscall(SYS_kill, getpid(), SIGKILL);
        pause();
    }
}

static int chance(int permille) {
    control->random = control->random * 6364136223846793005LL + 1442695040888963407LL;
    return (int)(((uint64_t)control->random >> 33) % 1000) < permille;
}

static void delay(int64_t us) {
    if (us > 0) {
        struct timespec wait = {us / 1000000, us % 1000000 * 1000};
        syscall(SYS_nanosleep, &wait, NULL);
    }
}

/* ── write ───────────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* How much may be written now; negative: the error. */
static ssize_t allowed(int class, size_t size) {
    if (!(control->fault_mask & class)) return size;
    if (control->write_eio_in > 0 && --control->write_eio_in == 0) {
        control->write_eio++;
        return -EIO;
    }
    if (control->room >= 0) {
        if (control->room == 0 && size) {
            control->full++;
            return -ENOSPC;
        }
        if ((int64_t)size > control->room) size = control->room;
        control->room -= size;
    }
    if (size > 1 && chance(control->short_permille)) {
        control->shortened++;
        size = 1 + size / 2;
    }
    return size;
}

static ssize_t written(int fd, const void *data, size_t size, off_t offset, int at) {
    int class = class_of_fd(fd);
    if (!class) return at ? syscall(SYS_pwrite64, fd, data, size, offset) : syscall(SYS_write, fd, data, size);
    if (control->fault_mask & class) delay(control->write_delay_us);
    pthread_mutex_lock(&lock);
    count_call(class);
    ssize_t got = allowed(class, size);
    if (got < 0) {
        errno = -got;
        got = -1;
    } else {
        got = at ? syscall(SYS_pwrite64, fd, data, got, offset) : syscall(SYS_write, fd, data, got);
        if (got > 0 && class != SHARED_INDEX) {
            if (!at) offset = syscall(SYS_lseek, fd, 0, SEEK_CUR) - got;
            note('W', 0, table[fd].inode, offset, 0, NULL, data, got);
        }
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return got;
}

ssize_t write(int fd, const void *data, size_t size) { return written(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return written(fd, data, size, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return written(fd, data, size, offset, 1); }

static ssize_t gathered(int fd, const struct iovec *parts, int count, off_t offset, int at) {
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t got = written(fd, parts[i].iov_base, parts[i].iov_len, offset + total, at);
        if (got < 0) return total ? total : -1;
        total += got;
        if ((size_t)got < parts[i].iov_len) break;
    }
    return total;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return class_of_fd(fd) ? gathered(fd, parts, count, 0, 0) : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return gathered(fd, parts, count, offset, 1); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return gathered(fd, parts, count, offset, 1); }

/* ── sync ────────────────────────────────────────────────────────────────────────────────────────────────────────────── */

static int synced(int fd, int number) {
    int class = class_of_fd(fd);
    if (!class) return syscall(number, fd);
    pthread_mutex_lock(&lock);
    count_call(class);
    int fails = (control->fault_mask & class) && control->sync_eio_in > 0 && --control->sync_eio_in == 0;
    uint32_t token = ++tokens;
    note('S', 0, table[fd].inode, 0, token, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (control->fault_mask & class) delay(control->sync_delay_us);
    int result = fails ? -1 : syscall(number, fd);
    int error = fails ? EIO : errno;
    pthread_mutex_lock(&lock);
    if (fails) control->sync_eio++;
    note('E', result != 0, table[fd].inode, 0, token, NULL, NULL, 0);
    count_call(class);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* ── open and close ──────────────────────────────────────────────────────────────────────────────────────────────────── */

static int opened(int dirfd, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    if (!absolute(dirfd, path, whole)) return syscall(SYS_openat, dirfd, path, flags, mode);
    struct stat status;
    pthread_mutex_lock(&lock);
    int was_there = !fstatat(dirfd, path, &status, 0);
    int fd = syscall(SYS_openat, dirfd, path, flags, mode);
    int error = errno;
    if (fd >= 0 && fd < FDS && !fstat(fd, &status)) {
        int folder = S_ISDIR(status.st_mode);
        table[fd].class = folder ? FOLDER : S_ISREG(status.st_mode) ? class_of(whole) : 0;
        int unnamed = (flags & __O_TMPFILE) == __O_TMPFILE;
        table[fd].inode = unnamed ? 0 : status.st_ino;
        if (!unnamed && table[fd].class && table[fd].class != SHARED_INDEX) {
            note(was_there ? 'O' : 'C', 0, status.st_ino, 0, 0, whole, NULL, 0);
            if (was_there && (flags & O_TRUNC)) note('T', 0, status.st_ino, 0, 0, NULL, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int dirfd, const char *path, int flags, ...) { MODE return opened(dirfd, path, flags, mode); }
int openat64(int dirfd, const char *path, int flags, ...) { MODE return opened(dirfd, path, flags | O_LARGEFILE, mode); }

int close(int fd) {
    if (fd >= 0 && fd < FDS) table[fd].class = 0;
    return syscall(SYS_close, fd);
}

/* ── size and names ──────────────────────────────────────────────────────────────────────────────────────────────────── */

static int truncated(int fd, off_t size) {
    int class = class_of_fd(fd);
    if (!class) return syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    count_call(class);
    int result = syscall(SYS_ftruncate, fd, size), error = errno;
    if (!result && class != SHARED_INDEX) note('T', 0, table[fd].inode, size, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

static int moved(int from_fd, const char *from, int to_fd, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    int inside = absolute(from_fd, from, old) && absolute(to_fd, to, new);
    if (!inside) return syscall(SYS_renameat, from_fd, from, to_fd, to);
    pthread_mutex_lock(&lock);
    count_call(class_of(old));
    int result = syscall(SYS_renameat, from_fd, from, to_fd, to), error = errno;
    if (!result) note('R', 0, 0, 0, 0, old, new, strlen(new));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_fd, const char *from, int to_fd, const char *to) { return moved(from_fd, from, to_fd, to); }

static int removed(int dirfd, const char *path, int flags) {
    char whole[PATH_MAX];
    if (!absolute(dirfd, path, whole)) return syscall(SYS_unlinkat, dirfd, path, flags);
    pthread_mutex_lock(&lock);
    count_call(class_of(whole));
    int result = syscall(SYS_unlinkat, dirfd, path, flags), error = errno;
    if (!result) note('U', 0, 0, 0, 0, whole, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int dirfd, const char *path, int flags) { return removed(dirfd, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

static int made(int dirfd, const char *path, mode_t mode) {
    char whole[PATH_MAX];
    if (!absolute(dirfd, path, whole)) return syscall(SYS_mkdirat, dirfd, path, mode);
    pthread_mutex_lock(&lock);
    int result = syscall(SYS_mkdirat, dirfd, path, mode), error = errno;
    struct stat status;
    if (!result && !fstatat(dirfd, path, &status, 0)) note('M', 0, status.st_ino, 0, 0, whole, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int dirfd, const char *path, mode_t mode) { return made(dirfd, path, mode); }

/* ── the wall clock ──────────────────────────────────────────────────────────────────────────────────────────────────── */

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME && control->clock_offset_ns) {
        int64_t ns = now->tv_sec * 1000000000LL + now->tv_nsec + control->clock_offset_ns;
        now->tv_sec = ns / 1000000000LL;
        now->tv_nsec = ns % 1000000000LL;
    }
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
