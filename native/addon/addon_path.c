/* Calls on files by their paths, for commands that are over before node:fs would be loaded. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static napi_value run_exists(napi_env env, const struct argument *a) {
    return make_boolean(env, access(a[0].text, F_OK) == 0);
}

static napi_value run_create_text(napi_env env, const struct argument *a) {
    int flags = O_WRONLY | O_CREAT | (a[3].number != 0 ? O_EXCL : O_TRUNC);
    SCOPED_FD fd = open(a[0].text, flags | O_CLOEXEC, (mode_t)a[2].number);
    if (fd == -1) return throw_errno(env, "open", errno);
    return check(env, "write", write_fully(fd, a[1].text, strlen(a[1].text)));
}

static napi_value run_open_lock(napi_env env, const struct argument *a) {
    return check_number(env, "open", open(a[0].text, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
}

static napi_value run_is_named(napi_env env, const struct argument *a) {
    struct stat held, named;
    if (fstat((int)a[0].number, &held) == -1) return throw_errno(env, "fstat", errno);
    if (stat(a[1].text, &named) == -1) {
        return errno == ENOENT || errno == ENOTDIR ? make_boolean(env, false) : throw_errno(env, "stat", errno);
    }
    return make_boolean(env, held.st_ino == named.st_ino && held.st_dev == named.st_dev);
}

static napi_value run_real_directory(napi_env env, const struct argument *a) {
    SCOPED_FD fd = open(a[0].text, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) return throw_errno(env, "open", errno);
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    if (length == -1 || length == sizeof path) return throw_errno(env, "readlink", length == -1 ? errno : ENAMETOOLONG);
    napi_value value;
    return napi_create_string_utf8(env, path, (size_t)length, &value) == napi_ok ? value : NULL;
}

const struct call path_calls[] = {
    {"exists", "s", run_exists},
    {"createText", "ssob", run_create_text},
    {"openLock", "s", run_open_lock},
    {"isNamed", "fs", run_is_named},
    {"realDirectory", "s", run_real_directory},
    {0},
};
