#include "frame.h"

#include <string.h>
#include <unistd.h>

#include "syscalls.h"

static void put_u32(unsigned char *to, uint32_t value) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static void put_u64(unsigned char *to, uint64_t value) {
    put_u32(to, (uint32_t)value);
    put_u32(to + 4, (uint32_t)(value >> 32));
}

uint32_t frame_u32(const void *from) {
    const unsigned char *bytes = from;
    uint32_t value = 0;
    for (int i = 4; i > 0; i--) value = value << 8 | bytes[i - 1];
    return value;
}

uint16_t frame_u16(const void *from) {
    const unsigned char *bytes = from;
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

size_t status_payload(unsigned char payload[STATUS_BYTES], enum shim_state state, pid_t init, uint64_t start_time) {
    put_u32(payload, state);
    put_u32(payload + 4, (uint32_t)init);
    put_u64(payload + 8, start_time);
    return STATUS_BYTES;
}

size_t failure_payload(unsigned char payload[FAILURE_BYTES], const struct failure *failure) {
    size_t length = strlen(failure->text);
    put_u32(payload, failure->phase);
    put_u32(payload + 4, failure->index);
    put_u32(payload + 8, failure->error);
    memcpy(payload + 12, failure->text, length);
    return 12 + length;
}

size_t health_payload(unsigned char payload[HEALTH_BYTES], uint32_t status, int32_t code) {
    put_u32(payload, status);
    put_u32(payload + 4, (uint32_t)code);
    return HEALTH_BYTES;
}

size_t exit_payload(unsigned char payload[EXIT_BYTES], const struct ending *ending) {
    put_u32(payload, ending->exit_code);
    put_u32(payload + 4, ending->signal);
    put_u32(payload + 8, ending->flags);
    put_u32(payload + 12, ending->sender.pid);
    put_u32(payload + 16, ending->sender.uid);
    put_u32(payload + 20, ending->sender.signal);
    put_u64(payload + 24, ending->finished_at);
    return EXIT_BYTES;
}

void frame_header(unsigned char header[FRAME_HEADER], uint8_t type, size_t length) {
    memset(header, 0, FRAME_HEADER);
    header[0] = type;
    put_u32(header + 4, (uint32_t)length);
}

/* `frame` has room for the header in front of the payload. */
static int send_frame(int fd, uint8_t type, unsigned char *frame, size_t length) {
    frame_header(frame, type, length);
    long written = SYS(write(fd, frame, FRAME_HEADER + length));
    return written < 0 ? (int)written : 0;
}

int frame_status(int fd, enum shim_state state, pid_t init, uint64_t start_time) {
    unsigned char frame[FRAME_HEADER + STATUS_BYTES];
    return send_frame(fd, FRAME_STATUS, frame, status_payload(frame + FRAME_HEADER, state, init, start_time));
}

int frame_failure(int fd, uint8_t type, const struct failure *failure) {
    unsigned char frame[FRAME_HEADER + FAILURE_BYTES];
    return send_frame(fd, type, frame, failure_payload(frame + FRAME_HEADER, failure));
}

int frame_exit(int fd, const struct ending *ending) {
    unsigned char frame[FRAME_HEADER + EXIT_BYTES];
    return send_frame(fd, FRAME_EXIT, frame, exit_payload(frame + FRAME_HEADER, ending));
}
