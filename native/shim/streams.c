/* Stdio of the container. */
#include <string.h>
#include <sys/ioctl.h>

#include "scoped.h"
#include "shim.h"
#include "syscalls.h"

enum { PTY_BYTES_MAX = 1 << 20 };

/* What the log and every client that wants the stream can still take. */
static size_t clients_room(const struct shim *shim, const struct stream *stream) {
    if (!log_has_room(&shim->log)) return 0;
    size_t room = sizeof stream->line;
    for (size_t i = 0; i < shim->client_count; i++) {
        const struct client *client = shim->clients[i];
        if ((client->flags & stream->flag) == 0 || client->hung_up) continue;
        size_t own = client_room(client);
        if (own < room) room = own;
    }
    return room;
}

static void send_output(struct shim *shim, const struct stream *stream, const char *bytes, size_t length) {
    for (size_t i = shim->client_count; i > 0; i--) {
        struct client *client = shim->clients[i - 1];
        if ((client->flags & stream->flag) == 0) continue;
        if (!client_send(client, stream->frame, bytes, length)) server_drop(shim, client);
    }
}

/* Logs what there is of lines; the rest stays in the buffer, which then has room. */
static void log_output(struct shim *shim, struct stream *stream, size_t seen) {
    size_t logged = log_lines(&shim->log, stream->error, stream->line, stream->used, seen);
    if (logged == 0) return;
    stream->used -= logged;
    memmove(stream->line, stream->line + logged, stream->used);
    log_flush(&shim->log);
}

void stream_finish(struct shim *shim, struct stream *stream) {
    if (stream->used > 0) {
        log_piece(&shim->log, stream->error, stream->line, stream->used);
        log_flush(&shim->log);
        stream->used = 0;
    }
    /* The master of a pty is the sink as well. */
    if (stream->fd >= 0 && stream->fd == shim->sink.fd) {
        shim->sink.fd = -1;
        shim->sink.closed = true;
    }
    drop_fd(&stream->fd);
}

/*
 * What may still be read after the end of the init: what its pipe holds now. Others may have the pipe open and write
 * to it for ever. A pty does not tell how much is under way, but what it holds is bounded (N_TTY_BUF_SIZE and the
 * flip buffers of a few times that).
 */
static void start_closing(const struct shim *shim, struct stream *stream) {
    int held = 0;
    stream->closing = true;
    stream->left = PTY_BYTES_MAX;
    if (!shim->options.terminal && ioctl(stream->fd, FIONREAD, &held) == 0) stream->left = (size_t)held;
}

static size_t least(size_t first, size_t second) {
    return first < second ? first : second;
}

/* Reads once. Positive when there may be more. */
static long read_some(struct shim *shim, struct stream *stream) {
    size_t length = least(clients_room(shim, stream), sizeof stream->line - stream->used);
    stream->blocked = length == 0;
    if (stream->blocked) return 0;
    if (stream->closing) length = least(length, stream->left);
    long got = length == 0 ? 0 : SYS(read(stream->fd, stream->line + stream->used, length));
    if (got > 0 && stream->closing) stream->left -= (size_t)got;
    return got;
}

void stream_read(struct shim *shim, struct stream *stream) {
    if (shim->ended && stream->fd >= 0 && !stream->closing) start_closing(shim, stream);
    while (stream->fd >= 0) {
        long got = read_some(shim, stream);
        if (stream->blocked || got == -EAGAIN) return;
        /* EIO is how a pty says that its last slave is closed. */
        if (got <= 0) {
            stream_finish(shim, stream);
            return;
        }
        send_output(shim, stream, stream->line + stream->used, (size_t)got);
        size_t seen = stream->used;
        stream->used += (size_t)got;
        if (log_is_open(&shim->log)) log_output(shim, stream, seen);
        else stream->used = 0;
        /* While it runs, others get their turn between reads; at the end all of it is wanted at once. */
        if (!shim->ended) return;
    }
}

size_t sink_write(struct shim *shim, const char *bytes, size_t length) {
    struct sink *sink = &shim->sink;
    if (sink->closed) return length;
    if (!sink->ready) return 0;
    long written = SYS(write(sink->fd, bytes, length));
    if (written == -EAGAIN) return 0;
    if (written < 0) {
        sink_close(shim);
        return length;
    }
    return (size_t)written;
}

void sink_close(struct shim *shim) {
    struct sink *sink = &shim->sink;
    if (shim->options.terminal) return; /* the terminal ends with the container */
    drop_fd(&sink->fd);
    sink->closed = true;
}

void terminal_open(struct shim *shim, int master) {
    fcntl(master, F_SETFL, O_NONBLOCK);
    shim->output.fd = master;
    if (shim->options.stdin_open) shim->sink = (struct sink){.fd = master, .ready = true};
    else shim->sink.closed = true;
    if (shim->rows != 0 || shim->columns != 0) terminal_resize(shim, shim->rows, shim->columns);
}

void terminal_resize(struct shim *shim, uint16_t rows, uint16_t columns) {
    shim->rows = rows;
    shim->columns = columns;
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    if (shim->options.terminal && shim->output.fd >= 0) ioctl(shim->output.fd, TIOCSWINSZ, &size);
}
