/* Entries of a log as bytes, one function for each format of a file. Pure: no system calls, no memory of their own. */
#ifndef ONGGI_LOG_FORMAT_H
#define ONGGI_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log-config.h"

#define LOG_LINE_MAX 16384u   /* bytes of one entry's text, as Docker's */
#define LOG_EXTRA_MAX 65536u  /* bytes of what the plan has each entry carry */
/* What an entry can come to: each byte as \u001f, what it carries, names and time. And a vector too much at its end. */
#define LOG_ENTRY_MAX (6 * LOG_LINE_MAX + LOG_EXTRA_MAX + 512)

struct log_entry {
    bool error;         /* of stderr */
    const char *text;   /* without its newline */
    size_t length;      /* at most LOG_LINE_MAX */
    bool whole;         /* a newline ended it; else it is part of a line whose rest follows */
    const char *time;   /* TIMESTAMP_SIZE - 1 bytes */
    uint64_t ns;        /* the same time, since the epoch */
    const struct log_config *config;
};

/* Writes one entry of at most LOG_ENTRY_MAX bytes; returns its length. */
typedef size_t log_formatter(char *out, const struct log_entry *entry);

/* Docker's json-file: {"log":"text\n","stream":"stdout","time":"..."} */
log_formatter log_format_json;
/* Docker's local: u32 length, LogEntry of protobuf, u32 length again; the lengths with the highest byte first. */
log_formatter log_format_local;
/* 2026-01-02T03:04:05.123456789+00:00 stdout F text */
log_formatter log_format_k8s;
/* The journal's native protocol (systemd, "Native Journal Protocol"). */
log_formatter log_format_journald;
/* RFC 3164, RFC 5424, and what Go's log/syslog writes to a local daemon. */
log_formatter log_format_syslog;
/* "Message Mode" of Fluentd's forward protocol, version 1. */
log_formatter log_format_fluentd;
/* GELF 1.1, before compression. */
log_formatter log_format_gelf;

/* Escapes as in a JSON string, what is no UTF-8 as U+FFFD; at most 6 bytes for each of `text`. Writes up to 16 more. */
size_t log_escape(char *out, const char *text, size_t length);

/* Length of the longest prefix that does not end within a UTF-8 sequence; 0 only for 0. */
size_t log_boundary(const char *text, size_t length);

#endif
