/* One JSON object on stdout, key by key. */
#include <stdio.h>

#include "probe.h"

/* Bytes that are not ASCII are written as if they were Latin-1: tests compare, they don't read. */
void probe_string(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') printf("\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f) printf("\\u%04x", byte);
        else putchar(byte);
    }
    putchar('"');
}

void probe_key(const char *key) {
    static int first = 1;
    printf(first ? "{" : ",");
    first = 0;
    probe_string(key);
    putchar(':');
}

void probe_strings(const char *key, char **strings) {
    probe_key(key);
    putchar('[');
    for (char **at = strings; *at != NULL; at++) {
        if (at != strings) putchar(',');
        probe_string(*at);
    }
    putchar(']');
}

void probe_field(const char *key, long value) {
    probe_key(key);
    printf("%ld", value);
}
