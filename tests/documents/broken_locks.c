/* Makes shared memory or locks fail as they do in network folders. The variable BROKEN names what fails: "memory",
   "locks" (of fcntl), "memory-locks" (of fcntl, on the shared memory) and "flock". Only files of documents are hit. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static int broken(const char *what) {
    const char *list = getenv("BROKEN");
    size_t length = strlen(what);
    while (list && *list) {
        size_t here = strcspn(list, ",");
        if (here == length && strncmp(list, what, length) == 0) return 1;
        list += here + (list[here] == ',');
    }
    return 0;
}

static int names(int file, const char *part) {
    char link[48], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, part) != NULL;
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

void *mmap64(void *at, size_t size, int access, int flags, int file, off64_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off64_t);
    if (!real) real = next("mmap64");
    if (file >= 0 && broken("memory") && names(file, ".lw-shm")) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return real(at, size, access, flags, file, offset);
}

void *mmap(void *at, size_t size, int access, int flags, int file, off_t offset) {
    return mmap64(at, size, access, flags, file, offset);
}

static int refuses(int file, int command) {
    if (command != F_SETLK && command != F_SETLKW && command != F_GETLK) return 0;
    return (broken("locks") && names(file, ".lw")) || (broken("memory-locks") && names(file, ".lw-shm"));
}

#define LOCKING(name)                                    \
    int name(int file, int command, ...) {               \
        static int (*real)(int, int, ...);               \
        va_list more;                                    \
        va_start(more, command);                         \
        void *argument = va_arg(more, void *);           \
        va_end(more);                                    \
        if (!real) real = next(#name);                   \
        if (refuses(file, command)) {                    \
            errno = ENOLCK;                              \
            return -1;                                   \
        }                                                \
        return real(file, command, argument);            \
    }
LOCKING(fcntl)
LOCKING(fcntl64)

int flock(int file, int operation) {
    static int (*real)(int, int);
    if (!real) real = next("flock");
    if (broken("flock") && names(file, ".lw")) {
        errno = ENOLCK;
        return -1;
    }
    return real(file, operation);
}
