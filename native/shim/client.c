#include "client.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "syscalls.h"

struct client *client_open(int fd) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    void *memory = MAP_FAILED;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        memory = mmap(NULL, sizeof(struct client), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        close(fd);
        return NULL;
    }
    struct client *client = memory;
    client->fd = fd;
    client->pid = (uint32_t)peer.pid;
    client->uid = peer.uid;
    return client;
}

void client_close(struct client *client) {
    close(client->fd);
    munmap(client, sizeof *client);
}

bool client_trusted(const struct client *client) {
    return client->uid == 0 || client->uid == geteuid();
}

size_t client_room(const struct client *client) {
    size_t limit = CLIENT_OUTPUT - CLIENT_RESERVE - FRAME_HEADER;
    return client->output_used >= limit ? 0 : limit - client->output_used;
}

void client_hang_up(struct client *client) {
    client->hung_up = true;
    client->output_used = 0;
}

void client_flush(struct client *client) {
    size_t sent = 0;
    while (sent < client->output_used) {
        long result = SYS(send(client->fd, client->output + sent, client->output_used - sent, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (result == -EAGAIN) break;
        if (result <= 0) return client_hang_up(client);
        sent += (size_t)result;
    }
    client->output_used -= sent;
    memmove(client->output, client->output + sent, client->output_used);
}

bool client_send(struct client *client, uint8_t type, const void *payload, size_t length) {
    if (client->hung_up) return true;
    if (length > FRAME_MAX || client->output_used + FRAME_HEADER + length > CLIENT_OUTPUT) return false;
    unsigned char *frame = (unsigned char *)client->output + client->output_used;
    frame_header(frame, type, length);
    if (length > 0) memcpy(frame + FRAME_HEADER, payload, length);
    client->output_used += FRAME_HEADER + length;
    client_flush(client);
    return true;
}

int client_read(struct client *client) {
    size_t space = CLIENT_INPUT - client->input_used;
    if (space == 0) return (int)client->input_used;
    long got = SYS(recv(client->fd, client->input + client->input_used, space, MSG_DONTWAIT));
    if (got <= 0) return (int)got;
    client->input_used += (size_t)got;
    return (int)client->input_used;
}

void client_consume(struct client *client, size_t length) {
    client->input_used -= length;
    memmove(client->input, client->input + length, client->input_used);
}
