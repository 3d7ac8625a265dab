/*
 * Linked into the sanitized shim only. A shim has no terminal, and its environment is not the caller's, so reports go
 * to files "$ONGGI_SANITIZER_LOG.PID"; variables named ONGGI_* are what the engine hands on to a shim.
 */
#include <stdlib.h>

const char *__asan_default_options(void);

/* Called before the sanitizer is ready: no instrumented access and no libc function that it intercepts. */
__attribute__((no_sanitize("address", "undefined"))) const char *__asan_default_options(void) {
    static char options[512];
    const char prefix[] = "log_path=";
    const char *path = getenv("ONGGI_SANITIZER_LOG");
    size_t at = 0;

    if (path == NULL) {
        return "";
    }
    for (const char *from = prefix; *from != '\0'; from++) {
        options[at++] = *from;
    }
    for (const char *from = path; *from != '\0'; from++) {
        if (at == sizeof options - 1) {
            return "";
        }
        options[at++] = *from;
    }
    options[at] = '\0';
    return options;
}
