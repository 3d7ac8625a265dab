/*
 * The courier: a process beside the shim that brings entries where it may take a while, to a server or, if the container
 * is never to wait, into a file. It reads frames from a pipe and ends some seconds after the pipe does, at the latest.
 */
#ifndef ONGGI_LOG_COURIER_H
#define ONGGI_LOG_COURIER_H

#include <sys/types.h>

#include "log-format.h"

/* Of a frame: u32 length of the text, u8 error, u8 whole, u16 zero, u64 ns; as the machine writes them. */
enum { FRAME_HEAD = 16 };

/* The frame of an entry, written like a format; and its length, from its head. */
log_formatter log_format_frame;
size_t log_frame_length(const char *head);

/* Forks it. Its pid, and the pipe, which is non-blocking; or -errno. */
pid_t courier_start(const struct log_config *config, int *pipe);

#endif
