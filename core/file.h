/*
 * Whole files: read with a cap, write so that a file is either whole or absent.
 */
#ifndef SOCWEAVE_CORE_FILE_H
#define SOCWEAVE_CORE_FILE_H

#include <stddef.h>

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FILE_READ_MAX ((size_t)256 << 20)

/* The whole file, NUL-terminated (the NUL is not counted). *text_take is the caller's to free(). */
enum err_code file_read(const char *file, char **text_take, size_t *bytes, struct err *err);

/*
 * Write to a temporary name in the same folder, check every write, fsync, close, rename over
 * `file`, fsync the folder. On failure the old file stays, no temporary is left, ERR_IO.
 */
enum err_code file_write(const char *file, const char *text, size_t bytes, struct err *err);

/* mkdir -p; an existing folder is fine. */
enum err_code file_make_dir(const char *dir, struct err *err);

/* "dir/name"; `name` as it is if absolute or dir is empty or ".". free() it. */
char *file_join(const char *dir, const char *name);
/* The folder part of a path ("." if none). free() it. */
char *file_dir(const char *file);

/* Lower-case hex SHA-256 of a text, as sha256sum prints it. `hex` holds 65 bytes. */
void file_sha256(const char *text, size_t bytes, char hex[65]);

#ifdef __cplusplus
}
#endif
#endif
