/* The call that decodes logs. */
#include "addon.h"

#include <errno.h>
#include <string.h>

#include "addon_log_decode.h"

static bool is_time(const char *text) {
    return text[0] == '\0' || strlen(text) == LOG_TIME;
}

/* source, target, runs, times, since, until; [bytes used, runs used, enum log_stop] as three uint32. */
static napi_value run_decode_log(napi_env env, const struct argument *a) {
    bool aligned = ((uintptr_t)a[2].bytes & 3) == 0;
    bool fits = a[1].length < LOG_RUN_ERROR && a[0].length <= UINT32_MAX;
    if (!aligned || !fits || !is_time(a[4].text) || !is_time(a[5].text)) return throw_errno(env, "decodeLog", EINVAL);
    struct log_decoding decoding = {
        .source = a[0].bytes,
        .length = a[0].length,
        .target = (uint8_t *)(uintptr_t)a[1].bytes,
        .size = a[1].length,
        .runs = (uint32_t *)(uintptr_t)a[2].bytes,
        .runs_size = a[2].length / sizeof(uint32_t),
        .times = a[3].number != 0,
        .since = a[4].text,
        .until = a[5].text,
    };
    enum log_stop stop = log_decode(&decoding);
    const uint32_t result[] = {(uint32_t)decoding.used, (uint32_t)decoding.runs_used, stop};
    return make_bytes(env, result, sizeof result);
}

const struct call log_calls[] = {
    {"decodeLog", "yyybss", run_decode_log},
    {0},
};
