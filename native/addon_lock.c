/* Advisory locks (flock(2)). */
#include "addon.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

/* The LOCK_* operation of a mode word, or -1. */
static int operation_of(const char *mode) {
    if (strcmp(mode, "exclusive") == 0) return LOCK_EX;
    if (strcmp(mode, "shared") == 0) return LOCK_SH;
    if (strcmp(mode, "unlock") == 0) return LOCK_UN;
    return -1;
}

static napi_value run_flock(napi_env env, const struct argument *a) {
    int operation = operation_of(a[1].text);
    if (operation == -1) return throw_errno(env, "flock", EINVAL);
    int result;
    RETRY(result, flock((int)a[0].number, a[2].number ? operation : operation | LOCK_NB));
    if (result == -1 && errno == EWOULDBLOCK) return make_boolean(env, false);
    return result == -1 ? throw_errno(env, "flock", errno) : make_boolean(env, true);
}

const struct call lock_calls[] = {
    {"flock", "fsb", run_flock},
    {0},
};
