/*
 * Payloads of the frames of protocol.h, and frames sent whole: one write(2) each, a packet on a socket of packets.
 * A process whose calls are filtered can still do that much.
 */
#ifndef ONGGI_FRAME_H
#define ONGGI_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ending.h"
#include "failure.h"
#include "protocol.h"

enum { FRAME_HEADER = 8, STATUS_BYTES = 16, EXIT_BYTES = 32, FAILURE_BYTES = 12 + FAILURE_TEXT, HEALTH_BYTES = 8 };

/* Each fills a payload and says how long it is. */
size_t status_payload(unsigned char payload[STATUS_BYTES], enum shim_state state, pid_t init, uint64_t start_time);
size_t failure_payload(unsigned char payload[FAILURE_BYTES], const struct failure *failure);
size_t health_payload(unsigned char payload[HEALTH_BYTES], uint32_t status, int32_t code);
size_t exit_payload(unsigned char payload[EXIT_BYTES], const struct ending *ending);

void frame_header(unsigned char header[FRAME_HEADER], uint8_t type, size_t length);
uint32_t frame_u32(const void *from);
uint16_t frame_u16(const void *from);

/* A whole frame; 0 or -errno. */
int frame_status(int fd, enum shim_state state, pid_t init, uint64_t start_time);
int frame_failure(int fd, uint8_t type, const struct failure *failure);
int frame_exit(int fd, const struct ending *ending);

#endif
