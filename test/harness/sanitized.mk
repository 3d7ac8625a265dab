# Read after native/Makefile when the sanitized shim is built: where its reports go, and one copy of both runtimes,
# because as shared libraries only that of the address sanitizer takes its options from the program.
SHIM_SOURCES += ../test/harness/sanitizer-options.c
SANITIZERS += -static-libasan -static-libubsan -DSANITIZER_LOG='"$(abspath ../dist/asan/reports)/report"'
