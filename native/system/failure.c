#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *failure, int error, const char *format, ...) {
    if (error < 0) error = -error;
    if (failure->error != 0) return -(int)failure->error;
    failure->error = (uint32_t)error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return -error;
}

void failure_clear(struct failure *failure) {
    failure->error = 0;
    failure->text[0] = '\0';
}
