#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"

static enum err_code io_error(struct err *err, const char *file, const char *what, int number)
{
    enum err_code rc = err_set(err, ERR_IO, "%s: %s", what, strerror(number));
    err_in_file(err, file, 0, 0);
    return rc;
}

/* read() until `size` bytes, the end or an error (false, errno set). */
static bool read_some(int fd, char *buf, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, buf + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return true;
}

/* The file's size where it is known, else a guess; one more byte finds its end. */
static size_t first_capacity(const struct stat *status)
{
    size_t known = S_ISREG(status->st_mode) && status->st_size > 0 ? (size_t)status->st_size : 0;
    if (known > FILE_READ_MAX)
        known = FILE_READ_MAX;
    return known > 0 ? known + 1 : 65536;
}

static enum err_code read_all(int fd, const char *file, size_t capacity, char **text_take,
                              size_t *bytes, struct err *err)
{
    char *text = mem_grow(NULL, capacity + 1, 1);
    size_t used = 0;
    for (;;) {
        size_t got;
        if (!read_some(fd, text + used, capacity - used, &got)) {
            int number = errno;
            free(text);
            return io_error(err, file, "cannot read", number);
        }
        used += got;
        if (used > FILE_READ_MAX) {
            free(text);
            enum err_code rc = err_set(err, ERR_LIMIT, "expected at most %zu bytes", FILE_READ_MAX);
            err_in_file(err, file, 0, 0);
            return rc;
        }
        if (used < capacity)
            break;
        capacity *= 2;
        text = mem_grow(text, capacity + 1, 1);
    }
    text[used] = '\0';
    *text_take = text;
    *bytes = used;
    return ERR_OK;
}

enum err_code file_read(const char *file, char **text_take, size_t *bytes, struct err *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(err, file, "cannot open", errno);
    struct stat status;
    enum err_code rc;
    if (fstat(fd, &status) != 0)
        rc = io_error(err, file, "cannot open", errno);
    else if (S_ISDIR(status.st_mode))
        rc = io_error(err, file, "cannot read", EISDIR);
    else
        rc = read_all(fd, file, first_capacity(&status), text_take, bytes, err);
    close(fd);
    return rc;
}

/* 0, or the errno of the write that failed. */
static int write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* A pipe, a terminal, /dev/null: nothing to rename. */
static enum err_code write_stream(const char *file, const char *text, size_t bytes, struct err *err)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(err, file, "cannot open for writing", errno);
    int number = write_all(fd, text, bytes);
    if (close(fd) != 0 && number == 0)
        number = errno;
    return number ? io_error(err, file, "cannot write", number) : ERR_OK;
}

static int open_temporary(const char *dir, char **name_take)
{
    for (unsigned attempt = 0;; attempt++) {
        char base[64];
        snprintf(base, sizeof base, ".socweave-%ld-%u.tmp", (long)getpid(), attempt);
        char *name = file_join(dir, base);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST || attempt == 1000) {
            *name_take = name;
            return fd;
        }
        free(name);
    }
}

/* Makes the rename itself durable. Some file systems cannot sync a folder: EINVAL is fine. */
static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : errno; /* a folder may be writable but not readable */
    int number = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return number;
}

static int write_and_rename(const char *dir, const char *target, const char *text, size_t bytes)
{
    char *temporary;
    int fd = open_temporary(dir, &temporary);
    if (fd < 0) {
        int number = errno;
        free(temporary);
        return number;
    }
    int number = write_all(fd, text, bytes);
    if (number == 0 && fsync(fd) != 0)
        number = errno;
    if (close(fd) != 0 && number == 0)
        number = errno;
    if (number == 0 && rename(temporary, target) != 0)
        number = errno;
    if (number != 0)
        unlink(temporary);
    free(temporary);
    return number != 0 ? number : sync_dir(dir);
}

enum err_code file_write(const char *file, const char *text, size_t bytes, struct err *err)
{
    struct stat status;
    bool exists = stat(file, &status) == 0;
    if (exists && S_ISDIR(status.st_mode))
        return io_error(err, file, "cannot write", EISDIR);
    if (exists && !S_ISREG(status.st_mode))
        return write_stream(file, text, bytes, err);
    char *linked = exists ? realpath(file, NULL) : NULL; /* a symbolic link stays one */
    const char *target = linked ? linked : file;
    char *dir = file_dir(target);
    int number = write_and_rename(dir, target, text, bytes);
    free(dir);
    free(linked);
    return number ? io_error(err, file, "cannot write", number) : ERR_OK;
}

static int make_one_dir(const char *dir)
{
    if (mkdir(dir, 0777) == 0)
        return 0;
    int number = errno;
    struct stat status;
    if (stat(dir, &status) != 0)
        return number;
    return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

enum err_code file_make_dir(const char *dir, struct err *err)
{
    char *part = file_join("", dir);
    int number = 0;
    for (char *slash = part; number == 0 && *slash && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        number = make_one_dir(part);
        *slash = '/';
    }
    if (number == 0)
        number = make_one_dir(part);
    free(part);
    return number ? io_error(err, dir, "cannot make the folder", number) : ERR_OK;
}

char *file_join(const char *dir, const char *name)
{
    bool bare = name[0] == '/' || strcmp(dir, ".") == 0;
    size_t dir_bytes = bare ? 0 : strlen(dir);
    bool slash = dir_bytes > 0 && dir[dir_bytes - 1] != '/';
    size_t size = dir_bytes + slash + strlen(name) + 1;
    char *path = mem_grow(NULL, size, 1);
    snprintf(path, size, "%.*s%s%s", (int)dir_bytes, dir, slash ? "/" : "", name);
    return path;
}

char *file_dir(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return file_join("", ".");
    size_t bytes = slash == file ? 1 : (size_t)(slash - file);
    char *dir = mem_alloc(bytes + 1, 1);
    memcpy(dir, file, bytes);
    return dir;
}

void file_sha256(const char *text, size_t bytes, char hex[65])
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    sha256_update(&ctx, bytes, (const uint8_t *)text);
    sha256_digest(&ctx, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
