/*
 * Linked into the sanitized shim only. A shim has no terminal and not the caller's environment, so the sanitizers learn
 * from the program itself to report to files "SANITIZER_LOG.PID". They ask before libc is ready: constants only.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) {
    return "log_path=" SANITIZER_LOG;
}

const char *__ubsan_default_options(void) {
    return "log_path=" SANITIZER_LOG;
}
