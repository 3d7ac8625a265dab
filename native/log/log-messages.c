/* Formats of messages to servers: journald, syslog, fluentd and gelf. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log-format.h"
#include "log-text.h"
#include "timestamp.h"

enum { SEVERITY_ERROR = 3, SEVERITY_INFO = 6 };

static unsigned severity(const struct log_entry *entry) {
    return entry->error ? SEVERITY_ERROR : SEVERITY_INFO;
}

/* A value of any bytes: name, newline, its length in eight bytes with the lowest first, value, newline. */
size_t log_format_journald(char *out, const struct log_entry *entry) {
    char *at = put_text(out, "MESSAGE\n");
    for (int i = 0; i < 8; i++) *at++ = (char)((uint64_t)entry->length >> 8 * i);
    at = put_bytes(at, entry->text, entry->length);
    at = put_text(at, entry->error ? "\nPRIORITY=3\n" : "\nPRIORITY=6\n");
    if (!entry->whole) at = put_text(at, "CONTAINER_PARTIAL_MESSAGE=true\n");
    at = put_text(at, "SYSLOG_TIMESTAMP=");
    at = put_bytes(at, entry->time, TIMESTAMP_SIZE - 1);
    *at++ = '\n';
    return (size_t)(put_blob(at, entry->config->fields) - out);
}

/* RFC 3164, section 4.1.2: local time, the day padded by a blank. */
static char *put_old_time(char *at, uint64_t ns) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL) return at;
    unsigned month = (unsigned)local.tm_mon % 12, day = (unsigned)local.tm_mday % 32;
    unsigned hour = (unsigned)local.tm_hour % 24, minute = (unsigned)local.tm_min % 60, second = (unsigned)local.tm_sec % 61;
    return at + snprintf(at, 32, "%.3s %2u %02u:%02u:%02u", months + 3 * month, day, hour, minute, second);
}

/* RFC 5425, section 4.3: on TLS the length goes before the message, as Docker does it for the formats of RFC 5424. */
static size_t with_length(char *out, size_t length) {
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%zu ", length);
    memmove(out + size, out, length);
    memcpy(out, digits, size);
    return size + length;
}

size_t log_format_syslog(char *out, const struct log_entry *entry) {
    const struct log_config *config = entry->config;
    uint32_t format = config->numbers[1];
    char *at = out;
    *at++ = '<';
    at = put_number(at, config->numbers[0] | severity(entry));
    *at++ = '>';
    if (format == SYSLOG_UNIX || format == SYSLOG_RFC3164) {
        at = put_old_time(at, entry->ns);
        *at++ = ' ';
        if (format == SYSLOG_RFC3164) at = put_text(put_blob(at, config->head), " ");
        at = put_text(put_blob(at, config->fields), "[");
        at = put_text(put_number(at, (uint64_t)getpid()), "]: ");
    } else {
        /* To the second or the microsecond. */
        at = put_text(at, "1 ");
        at = put_bytes(at, entry->time, format == SYSLOG_RFC5424_MICRO ? 26 : 19);
        at = put_text(put_blob(put_text(at, "Z "), config->head), " ");
        at = put_text(put_blob(at, config->fields), " ");
        at = put_text(put_number(at, (uint64_t)getpid()), " ");
        at = put_text(put_blob(at, config->fields), " - ");
    }
    at = put_bytes(at, entry->text, entry->length);
    *at++ = '\n';
    size_t length = (size_t)(at - out);
    bool counted = config->transport == TRANSPORT_TLS && format >= SYSLOG_RFC5424;
    return counted ? with_length(out, length) : length;
}

/* str of msgpack (specification, "String format family"). */
static char *put_packed(char *at, const void *bytes, size_t length) {
    if (length < 32) *at++ = (char)(0xa0 | length);
    else if (length < 256) at = put_big(at, 0xd900 | length, 2);
    else if (length < 65536) at = put_big(at, 0xda0000 | length, 3);
    else at = put_big(put_text(at, "\xdb"), length, 4);
    return put_bytes(at, bytes, length);
}

size_t log_format_fluentd(char *out, const struct log_entry *entry) {
    const struct log_config *config = entry->config;
    char *at = out;
    *at++ = (char)0x93;
    at = put_packed(at, config->head.bytes, config->head.length);
    uint64_t seconds = entry->ns / 1000000000u;
    if (config->numbers[1] != 0) {
        /* EventTime: extension type 0 of eight bytes. */
        at = put_big(at, 0xd700, 2);
        at = put_big(put_big(at, seconds, 4), entry->ns % 1000000000u, 4);
    } else {
        at = put_big(put_text(at, "\xce"), seconds, 4);
    }
    at = put_big(put_text(at, "\xde"), (uint64_t)config->numbers[0] + 2 + !entry->whole, 2);
    at = put_blob(at, config->fields);
    at = put_packed(put_packed(at, "source", 6), entry->error ? "stderr" : "stdout", 6);
    if (!entry->whole) at = put_packed(put_packed(at, "partial_message", 15), "true", 4);
    at = put_packed(put_packed(at, "log", 3), entry->text, entry->length);
    return (size_t)(at - out);
}

size_t log_format_gelf(char *out, const struct log_entry *entry) {
    const struct log_config *config = entry->config;
    char *at = put_text(out, "{\"version\":\"1.1\",\"host\":\"");
    at = put_text(put_blob(at, config->head), "\",\"short_message\":\"");
    at += log_escape(at, entry->text, entry->length);
    at = put_text(at, "\",\"timestamp\":");
    at = put_number(at, entry->ns / 1000000000u);
    *at++ = '.';
    at += snprintf(at, 8, "%03u", (unsigned)(entry->ns / 1000000u % 1000));
    at = put_number(put_text(at, ",\"level\":"), severity(entry));
    at = put_blob(at, config->fields);
    *at++ = '}';
    return (size_t)(at - out);
}
