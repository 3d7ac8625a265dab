/* Registration of the calls, and the one place where arguments from JavaScript are checked. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct call *const tables[] = {
    file_calls,     entry_calls,    process_calls,  spawn_calls, netlink_calls, lock_calls,
    terminal_calls, channel_calls,  datagram_calls, watch_calls, ended_calls,   path_calls,
    table_calls,    snapshot_calls, spread_calls,   mount_calls, log_calls,     remove_calls,
};

/* 2^53 - 1: the largest integer of which every smaller one is a double, too. */
#define MAX_SAFE_INTEGER 9007199254740991.0

static bool read_integer(napi_env env, napi_value value, double low, double high, int64_t *out) {
    double number;
    if (napi_get_value_double(env, value, &number) != napi_ok) return false;
    /* NaN fails both comparisons. */
    if (!(number >= low && number <= high)) return false;
    *out = (int64_t)number;
    return (double)*out == number;
}

/* A string, or bytes where a name is not valid UTF-8 (an image may hold such), as a C string. */
static bool read_text(napi_env env, napi_value value, char **out) {
    napi_valuetype type;
    if (napi_typeof(env, value, &type) != napi_ok) return false;
    size_t length;
    char *text = NULL;
    if (type == napi_string) {
        if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return false;
        text = malloc(length + 1);
        if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok) {
            free(text);
            return false;
        }
    } else {
        napi_typedarray_type element;
        void *bytes;
        bool typed = false;
        if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
        if (napi_get_typedarray_info(env, value, &element, &length, &bytes, NULL, NULL) != napi_ok) return false;
        if (element != napi_uint8_array) return false;
        text = malloc(length + 1);
        if (text == NULL) return false;
        if (length > 0) memcpy(text, bytes, length);
        text[length] = '\0';
    }
    *out = text;
    return strlen(text) == length;
}

static bool read_bytes(napi_env env, napi_value value, struct argument *argument) {
    bool typed = false;
    napi_typedarray_type element;
    void *bytes;
    if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
    if (napi_get_typedarray_info(env, value, &element, &argument->length, &bytes, NULL, NULL) != napi_ok) return false;
    argument->bytes = bytes;
    return element == napi_uint8_array;
}

static bool read_element(napi_env env, napi_value array, uint32_t index, bool strings, struct argument *argument) {
    napi_value element;
    if (napi_get_element(env, array, index, &element) != napi_ok) return false;
    if (strings) return read_text(env, element, &argument->list[index]);
    int64_t number;
    if (!read_integer(env, element, 0, INT32_MAX, &number)) return false;
    argument->descriptors[index] = (int)number;
    return true;
}

static bool read_array(napi_env env, napi_value value, bool strings, struct argument *argument) {
    bool is_array = false;
    uint32_t length;
    if (napi_is_array(env, value, &is_array) != napi_ok || !is_array) return false;
    if (napi_get_array_length(env, value, &length) != napi_ok || length > 65536) return false;
    argument->length = length;
    if (strings) {
        argument->list = calloc((size_t)length + 1, sizeof(char *));
        if (argument->list == NULL) return false;
    } else {
        argument->descriptors = calloc((size_t)length + 1, sizeof(int));
        if (argument->descriptors == NULL) return false;
    }
    for (uint32_t index = 0; index < length; index++) {
        if (!read_element(env, value, index, strings, argument)) return false;
    }
    return true;
}

static bool read_function(napi_env env, napi_value value) {
    napi_valuetype type;
    return napi_typeof(env, value, &type) == napi_ok && type == napi_function;
}

static bool read_argument(napi_env env, char kind, struct argument *argument) {
    napi_value value = argument->value;
    switch (kind) {
    case 'f': return read_integer(env, value, 0, INT32_MAX, &argument->number);
    case 'd':
        return read_integer(env, value, AT_FDCWD, INT32_MAX, &argument->number) &&
               (argument->number >= 0 || argument->number == AT_FDCWD);
    case 'i': return read_integer(env, value, INT32_MIN, INT32_MAX, &argument->number);
    case 'u': return read_integer(env, value, 0, UINT32_MAX, &argument->number);
    case 't': return read_integer(env, value, -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER, &argument->number);
    case 'o': return read_integer(env, value, 0, 0177777, &argument->number);
    case 's':
    case 'n': return read_text(env, value, &argument->text);
    case 'y': return read_bytes(env, value, argument);
    case 'S': return read_array(env, value, true, argument);
    case 'F': return read_array(env, value, false, argument);
    case 'c': return read_function(env, value);
    case 'b': {
        bool flag = false;
        if (napi_get_value_bool(env, value, &flag) != napi_ok) return false;
        argument->number = flag;
        return true;
    }
    default: return false;
    }
}

/* The calls that take a directory and a name are the last line of defence against a path that climbs out. */
static bool is_component(const char *name) {
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool names_are_components(const char *kinds, const struct argument *arguments) {
    int64_t directory = AT_FDCWD;
    for (size_t index = 0; kinds[index] != '\0'; index++) {
        if (kinds[index] == 'd') directory = arguments[index].number;
        if (kinds[index] == 'n' && directory != AT_FDCWD && !is_component(arguments[index].text)) return false;
    }
    return true;
}

static void free_arguments(struct argument *arguments, size_t count) {
    for (size_t index = 0; index < count; index++) {
        free(arguments[index].text);
        free(arguments[index].descriptors);
        if (arguments[index].list == NULL) continue;
        for (size_t item = 0; item < arguments[index].length; item++) free(arguments[index].list[item]);
        free(arguments[index].list);
    }
}

static napi_value run_checked(napi_env env, const struct call *call, struct argument *arguments, size_t count) {
    for (size_t index = 0; index < count; index++) {
        if (read_argument(env, call->kinds[index], &arguments[index])) continue;
        bool pending = false;
        if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return NULL;
        napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", call->name);
        return NULL;
    }
    if (!names_are_components(call->kinds, arguments)) return throw_errno(env, call->name, EINVAL);
    return call->run(env, arguments);
}

static napi_value dispatch(napi_env env, napi_callback_info info) {
    napi_value values[MAX_ARGUMENTS];
    size_t count = MAX_ARGUMENTS;
    void *data;
    if (napi_get_cb_info(env, info, &count, values, NULL, &data) != napi_ok) return NULL;
    const struct call *call = data;
    if (count != strlen(call->kinds)) {
        napi_throw_type_error(env, "ERR_MISSING_ARGS", call->name);
        return NULL;
    }
    struct argument arguments[MAX_ARGUMENTS] = {0};
    for (size_t index = 0; index < count; index++) arguments[index].value = values[index];
    napi_value result = run_checked(env, call, arguments, count);
    free_arguments(arguments, count);
    return result;
}

/* Who was started with SIGCHLD ignored can wait for no child (wait(2)): nohup-like programs hand that on. */
static void stop_ignoring_children(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

NAPI_MODULE_INIT() {
    stop_ignoring_children();
    for (size_t table = 0; table < sizeof tables / sizeof tables[0]; table++) {
        for (const struct call *call = tables[table]; call->name != NULL; call++) {
            napi_value function;
            if (napi_create_function(env, call->name, NAPI_AUTO_LENGTH, dispatch, (void *)call, &function) != napi_ok ||
                napi_set_named_property(env, exports, call->name, function) != napi_ok) {
                return NULL;
            }
        }
    }
    return exports;
}
