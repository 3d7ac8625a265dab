/* Trees of files are removed here whole: by single calls, an entry costs ten times what the kernel takes for it. */
#include "addon.h"

#include <stdio.h>

#include "remove.h"

static napi_value run_remove_tree(napi_env env, const struct argument *a) {
    struct removal_failure failure;
    int result = remove_at((int)a[0].number, a[1].text, &failure);
    if (result >= 0) return make_boolean(env, result == 1);
    char call[sizeof failure.name + 16] = "unlinkat";
    if (failure.name[0] != '\0') snprintf(call, sizeof call, "unlinkat \"%s\"", failure.name);
    return throw_errno(env, call, -result);
}

const struct call remove_calls[] = {
    {"removeTree", "dn", run_remove_tree},
    {0},
};
