#include "core/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "tests/test.h"

static char *in(const char *dir, const char *name)
{
    return file_join(dir, name);
}

static unsigned entries(const char *dir)
{
    unsigned count = 0;
    DIR *stream = opendir(dir);
    CHECK(stream != NULL);
    while (readdir(stream))
        count++;
    closedir(stream);
    return count - 2; /* . and .. */
}

static void check_content(const char *file, const char *expected, size_t bytes)
{
    char *text;
    size_t got;
    CHECK_OK(file_read(file, &text, &got, err));
    CHECK_INT(bytes, got);
    CHECK(memcmp(expected, text, bytes) == 0);
    CHECK_INT(0, text[got]);
    free(text);
}

TEST(file_write__new_and_old_file__is_whole_and_alone)
{
    const char *dir = test_temp_dir();
    char *file = in(dir, "result.json");
    CHECK_OK(file_write(file, "old\0bytes", 9, err));
    check_content(file, "old\0bytes", 9);
    CHECK_OK(file_write(file, "", 0, err));
    check_content(file, "", 0);
    CHECK_INT(1, entries(dir));
    free(file);
}

TEST(file_write__folder_missing__is_an_io_error)
{
    char *file = in(test_temp_dir(), "no/such/result.json");
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_write(file, "x", 1, &err));
    CHECK_STR(file, err.file);
    CHECK_STR("cannot write: No such file or directory", err.text);
    free(file);
}

TEST(file_write__target_is_a_folder__is_an_io_error_without_debris)
{
    const char *dir = test_temp_dir();
    char *file = in(dir, "folder");
    CHECK_INT(0, mkdir(file, 0777));
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_write(file, "x", 1, &err));
    CHECK_STR("cannot write: Is a directory", err.text);
    CHECK_INT(1, entries(dir));
    free(file);
}

TEST(file_write__target_cannot_be_made__leaves_no_temporary)
{
    const char *dir = test_temp_dir();
    char name[300];
    memset(name, 'n', sizeof name - 1); /* longer than a name may be: the rename fails */
    name[sizeof name - 1] = '\0';
    char *file = in(dir, name);
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_write(file, "x", 1, &err));
    CHECK_STR("cannot write: File name too long", err.text);
    CHECK_INT(0, entries(dir));
    free(file);
}

TEST(file_write__full_device__is_an_io_error)
{
    if (access("/dev/full", W_OK) != 0)
        test_skip("no /dev/full here");
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_write("/dev/full", "x", 1, &err));
    CHECK_STR("cannot write: No space left on device", err.text);
}

TEST(file_write__symbolic_link__stays_one)
{
    const char *dir = test_temp_dir();
    char *file = in(dir, "target"), *link = in(dir, "link");
    CHECK_OK(file_write(file, "old", 3, err));
    CHECK_INT(0, symlink("target", link));
    CHECK_OK(file_write(link, "new", 3, err));
    struct stat status;
    CHECK_INT(0, lstat(link, &status));
    CHECK(S_ISLNK(status.st_mode));
    check_content(file, "new", 3);
    free(file);
    free(link);
}

TEST(file_write__device__is_written_in_place)
{
    CHECK_OK(file_write("/dev/null", "x", 1, err));
    struct stat status;
    CHECK_INT(0, stat("/dev/null", &status));
    CHECK(S_ISCHR(status.st_mode));
}

TEST(file_read__missing_or_folder__is_an_io_error)
{
    const char *dir = test_temp_dir();
    char *file = in(dir, "none.json"), *text = NULL;
    size_t bytes = 77;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_read(file, &text, &bytes, &err));
    CHECK_STR("cannot open: No such file or directory", err.text);
    CHECK_STR(file, err.file);
    err = (struct err)ERR_INIT;
    CHECK_INT(ERR_IO, file_read(dir, &text, &bytes, &err));
    CHECK_STR("cannot read: Is a directory", err.text);
    CHECK(text == NULL && bytes == 77); /* outputs untouched */
    free(file);
}

TEST(file_read__pipe_and_large_file__are_read_to_the_end)
{
    enum { BYTES = 300001 }; /* more than the first buffer for what has no size */
    char *expected = mem_alloc(BYTES, 1);
    for (size_t i = 0; i < BYTES; i++)
        expected[i] = (char)(i * 31 % 251);
    const char *dir = test_temp_dir();
    char *file = in(dir, "large");
    CHECK_OK(file_write(file, expected, BYTES, err));
    check_content(file, expected, BYTES);
    char command[1024], path[64];
    snprintf(command, sizeof command, "cat '%s'", file);
    FILE *pipe = popen(command, "r");
    CHECK(pipe != NULL);
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(pipe));
    check_content(path, expected, BYTES);
    pclose(pipe);
    free(file);
    free(expected);
}

TEST(file_read__above_the_cap__is_a_limit_error)
{
    char *file = in(test_temp_dir(), "sparse"), *text;
    size_t bytes;
    CHECK_OK(file_write(file, "", 0, err));
    CHECK_INT(0, truncate(file, (off_t)FILE_READ_MAX + 1));
    struct err err = ERR_INIT;
    CHECK_INT(ERR_LIMIT, file_read(file, &text, &bytes, &err));
    CHECK_STR("expected at most 268435456 bytes", err.text);
    free(file);
}

TEST(file_make_dir__nested_existing_and_blocked)
{
    const char *dir = test_temp_dir();
    char *nested = in(dir, "a//b/c/"), *file = in(dir, "f"), *below = in(dir, "f/g");
    CHECK_OK(file_make_dir(nested, err));
    CHECK_OK(file_make_dir(nested, err));
    struct stat status;
    CHECK(stat(nested, &status) == 0 && S_ISDIR(status.st_mode));
    CHECK_OK(file_write(file, "", 0, err));
    struct err err = ERR_INIT;
    CHECK_INT(ERR_IO, file_make_dir(below, &err));
    CHECK_STR("cannot make the folder: Not a directory", err.text);
    CHECK_INT(ERR_IO, file_make_dir("", NULL));
    free(nested);
    free(file);
    free(below);
}

TEST(file_join_and_dir__paths__are_composed)
{
    static const struct {
        const char *dir, *name, *joined, *folder;
    } rows[] = {
        { "a", "b", "a/b", "a" }, { "a/", "b", "a/b", "a" },
        { "", "b", "b", "." },    { ".", "b", "b", "." },
        { "a", "/b", "/b", "/" }, { "..", "x/y.json", "../x/y.json", "../x" },
        { "/", "b", "/b", "/" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *joined = file_join(rows[i].dir, rows[i].name), *folder = file_dir(joined);
        CHECK_STR(rows[i].joined, joined);
        CHECK_STR(rows[i].folder, folder);
        free(joined);
        free(folder);
    }
}

/* FIPS 180-4 examples. */
TEST(file_sha256__known_answers__match)
{
    char hex[65];
    file_sha256("", 0, hex);
    CHECK_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", hex);
    file_sha256("abc", 3, hex);
    CHECK_STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex);
}
