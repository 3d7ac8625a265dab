/* Calls that set the mode of a terminal. */
#include "addon.h"

#include <errno.h>
#include <string.h>
#include <termios.h>

/*
 * cfmakeraw(3), output processing off too: the pty of the container has done it already, and a program that moves the
 * cursor by a bare newline must not be given a carriage return. The modes that JavaScript runtimes offer leave it on.
 */
static napi_value run_raw_terminal(napi_env env, const struct argument *a) {
    int fd = (int)a[0].number;
    struct termios before;
    if (tcgetattr(fd, &before) == -1) return throw_errno(env, "tcgetattr", errno);
    struct termios raw = before;
    cfmakeraw(&raw);
    int result;
    RETRY(result, tcsetattr(fd, TCSANOW, &raw));
    return result == -1 ? throw_errno(env, "tcsetattr", errno) : make_bytes(env, &before, sizeof before);
}

static napi_value run_restore_terminal(napi_env env, const struct argument *a) {
    if (a[1].length != sizeof(struct termios)) return throw_errno(env, "tcsetattr", EINVAL);
    struct termios before;
    memcpy(&before, a[1].bytes, sizeof before);
    int result;
    RETRY(result, tcsetattr((int)a[0].number, TCSANOW, &before));
    return check(env, "tcsetattr", result);
}

const struct call terminal_calls[] = {
    {"rawTerminal", "f", run_raw_terminal},
    {"restoreTerminal", "fy", run_restore_terminal},
    {0},
};
