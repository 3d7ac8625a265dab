/* Results and errors as JavaScript sees them. */
#include "addon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void close_scoped(int *fd) {
    int saved = errno;
    if (*fd >= 0) close(*fd);
    errno = saved;
}

static void set_string(napi_env env, napi_value object, const char *name, const char *text) {
    napi_value value;
    if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) {
        napi_set_named_property(env, object, name, value);
    }
}

napi_value throw_errno(napi_env env, const char *syscall, int errnum) {
    const char *word = strerrorname_np(errnum);
    const char *description = strerrordesc_np(errnum);
    if (word == NULL) word = "EUNKNOWN";
    if (description == NULL) description = "unknown error";
    char message[160];
    snprintf(message, sizeof message, "%s: %s, %s", word, description, syscall);

    napi_value text, error, number;
    if (napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text) != napi_ok) return NULL;
    if (napi_create_error(env, NULL, text, &error) != napi_ok) return NULL;
    set_string(env, error, "code", word);
    set_string(env, error, "syscall", syscall);
    if (napi_create_int32(env, errnum, &number) == napi_ok) napi_set_named_property(env, error, "errno", number);
    napi_throw(env, error);
    return NULL;
}

napi_value check(napi_env env, const char *syscall, long result) {
    return result == -1 ? throw_errno(env, syscall, errno) : NULL;
}

napi_value check_number(napi_env env, const char *syscall, long result) {
    if (result == -1) return throw_errno(env, syscall, errno);
    napi_value value;
    return napi_create_int64(env, result, &value) == napi_ok ? value : NULL;
}

napi_value make_boolean(napi_env env, bool value) {
    napi_value result;
    return napi_get_boolean(env, value, &result) == napi_ok ? result : NULL;
}

napi_value make_bytes(napi_env env, const void *bytes, size_t length) {
    void *data;
    napi_value buffer, array;
    if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return NULL;
    if (length > 0) memcpy(data, bytes, length);
    if (napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array) != napi_ok) return NULL;
    return array;
}

int write_fully(int fd, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    while (length > 0) {
        ssize_t written;
        RETRY(written, write(fd, next, length));
        if (written == -1) return -1;
        next += written;
        length -= (size_t)written;
    }
    return 0;
}
