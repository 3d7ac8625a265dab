/*
 * Compiled into the sanitizer build only. The shim starts with an empty environment and without stderr, so what the
 * sanitizers find goes to files, whose presence fails the test run. Leaks are not looked for: the process ends by
 * _exit or execve and frees nothing on purpose.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) {
    return "log_path=/tmp/onggi-sanitizer:detect_leaks=0:exitcode=99:print_legend=0";
}

const char *__ubsan_default_options(void) {
    return "log_path=/tmp/onggi-sanitizer:print_stacktrace=1:exitcode=99";
}
