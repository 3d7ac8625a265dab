#include "criu.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "message.h"
#include "scoped.h"
#include "source.h"
#include "syscalls.h"

/* The last word may carry criu's first error, a line of its log. */
enum { PACKET_BYTES = 16 << 10, WORDS = 120 };

/* Of protocol buffers ("Encoding", protobuf.dev). */
enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Of rpc.proto: criu_req_type, and the fields of criu_resp, criu_restore_resp and criu_notify. */
enum type { TYPE_NOTIFY = 6 };
enum response_field { RESPONSE_TYPE = 1, RESPONSE_SUCCESS = 2, RESPONSE_RESTORE = 4, RESPONSE_NOTIFY = 5, RESPONSE_ERROR = 9 };
enum restore_field { RESTORE_PID = 1 };
enum notify_field { NOTIFY_SCRIPT = 1, NOTIFY_PID = 2 };

struct packet {
    uint8_t bytes[PACKET_BYTES];
    size_t used;
};

struct field {
    uint32_t number;
    uint64_t value;       /* of a varint */
    struct cursor bytes;  /* of bytes, a string or a message */
};

static uint64_t take_varint(struct cursor *message) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (message->left == 0) break;
        uint8_t byte = *message->at++;
        message->left--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    message->bad = true;
    return 0;
}

static void skip(struct cursor *message, uint64_t length) {
    if (length > message->left) message->bad = true;
    if (message->bad) return;
    message->at += length;
    message->left -= length;
}

/* False at the end, and at what is no field. */
static bool next_field(struct cursor *message, struct field *field) {
    if (message->left == 0 || message->bad) return false;
    uint64_t tag = take_varint(message);
    *field = (struct field){.number = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case WIRE_VARINT: field->value = take_varint(message); break;
    case WIRE_FIXED64: skip(message, 8); break;
    case WIRE_FIXED32: skip(message, 4); break;
    case WIRE_BYTES: {
        uint64_t length = take_varint(message);
        field->bytes = (struct cursor){.at = message->at, .left = (size_t)length};
        skip(message, length);
        break;
    }
    default: message->bad = true;
    }
    return !message->bad;
}

static bool is_text(const struct cursor *bytes, const char *text) {
    return bytes->left == strlen(text) && memcmp(bytes->at, text, bytes->left) == 0;
}

/* criu_resp, as far as it matters here. */
struct response {
    enum type type;
    bool success, namespaces_made, console_sent;
    pid_t pid; /* in the last word, and where namespaces_made */
    char error[WORDS];
};

static void read_notice(struct cursor message, struct response *response) {
    struct field field;
    while (next_field(&message, &field)) {
        if (field.number == NOTIFY_PID) response->pid = (pid_t)field.value;
        if (field.number != NOTIFY_SCRIPT) continue;
        response->namespaces_made = is_text(&field.bytes, "setup-namespaces");
        response->console_sent = is_text(&field.bytes, "orphan-pts-master");
    }
}

static void read_restored(struct cursor message, struct response *response) {
    struct field field;
    while (next_field(&message, &field)) {
        if (field.number == RESTORE_PID) response->pid = (pid_t)field.value;
    }
}

static bool read_response(struct packet *packet, struct response *response) {
    *response = (struct response){0};
    struct cursor message = {.at = packet->bytes, .left = packet->used};
    struct field field;
    while (next_field(&message, &field)) {
        switch (field.number) {
        case RESPONSE_TYPE: response->type = (enum type)field.value; break;
        case RESPONSE_SUCCESS: response->success = field.value != 0; break;
        case RESPONSE_RESTORE: read_restored(field.bytes, response); break;
        case RESPONSE_NOTIFY: read_notice(field.bytes, response); break;
        case RESPONSE_ERROR:
            snprintf(response->error, sizeof response->error, "%.*s", (int)(field.bytes.left < WORDS ? field.bytes.left : WORDS),
                     (const char *)field.bytes.at);
            break;
        default: break;
        }
    }
    return !message.bad;
}

bool restore_read(const struct plan *plan, struct restore *restore) {
    struct record record;
    if (!plan_find(plan, OP_RESTORE, &record)) return false;
    restore->group = take_optional(&record.payload);
    restore->request = take_blob(&record.payload);
    return true;
}

static void answer(int socket, bool success) {
    /* A criu_req: its type, and that the notification was well received. */
    const uint8_t bytes[] = {1 << 3, TYPE_NOTIFY, 3 << 3, success};
    /* Whether it is still there, the next word will show. */
    SYS(send(socket, bytes, sizeof bytes, MSG_NOSIGNAL));
}

/* 1, 0 at end of file, -errno. */
static int receive(int socket, struct packet *packet, int *fd) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {packet->bytes, sizeof packet->bytes};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    long length;
    do length = SYS(recvmsg(socket, &header, MSG_CMSG_CLOEXEC));
    while (length == -EINTR);
    *fd = -1;
    if (length <= 0) return length == -ECONNRESET ? 0 : (int)length;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first != NULL && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(first), sizeof *fd);
    packet->used = (size_t)length;
    return (header.msg_flags & MSG_TRUNC) == 0 ? 1 : -EMSGSIZE;
}

/* What criu fails with is the failure of the step that has executed it. */
static void blame_criu(const struct plan *plan, struct failure *failure) {
    struct record record;
    if (!plan_find(plan, OP_EXEC, &record)) return;
    failure->phase = record.phase;
    failure->index = record.index;
}

static int attach(const struct plan *plan, pid_t root, struct failure *failure) {
    int result = launch_attach_steps(plan, root, failure);
    if (result == 0) blame_criu(plan, failure);
    return result;
}

/* Until the last word. */
static int converse(const struct plan *plan, int socket, struct restored *restored, struct failure *failure) {
    static struct packet packet;
    int attached = 0;
    for (;;) {
        int fd;
        int result = receive(socket, &packet, &fd);
        struct response response;
        if (result == 1 && !read_response(&packet, &response)) result = -EBADMSG;
        if (result == 1 && response.console_sent && fd >= 0 && restored->console < 0) restored->console = take_fd(&fd);
        drop_fd(&fd);
        if (result < 0) return fail(failure, result, "hear criu");
        if (result == 0) return fail(failure, ECANCELED, "criu went away");
        if (response.type == TYPE_NOTIFY) {
            if (response.namespaces_made) attached = attach(plan, response.pid, failure);
            answer(socket, attached == 0);
            continue;
        }
        if (attached < 0) return attached; /* the reason why criu has failed */
        if (!response.success) return fail(failure, ECANCELED, "criu: %s", response.error);
        restored->init = response.pid;
        return 0;
    }
}

/* What the first process says of its steps, until it has become criu, which closes `report`, or has ended. */
static int hear_out(int report, int *socket, warn_function *warn, void *keeper, struct failure *failure) {
    for (;;) {
        struct message message;
        int fd = -1;
        int result = message_receive(report, &message, &fd, 0);
        /* It died without reading what it was sent (unix(7)); what it had said itself is still to come. */
        if (result == -EINTR || result == -ECONNRESET) continue;
        if (result == 1 && message.type == MESSAGE_CRIU && *socket < 0) *socket = take_fd(&fd);
        drop_fd(&fd);
        if (result == 1 && message.type == MESSAGE_WARN) warn(keeper, &message.failure);
        if (result == 1 && message.type == MESSAGE_FAIL) *failure = message.failure;
        if (result != 1) return failure->error == 0 ? 0 : -(int)failure->error;
    }
}

/*
 * The ids of the container are mapped in mounts that are made before criu makes its user namespace: by those of another
 * with the same maps.
 */
static int release(const struct plan *plan, pid_t first, int report, struct failure *failure) {
    struct record record;
    if (!plan_find(plan, OP_ID_MAP, &record)) return launch_release(plan, first, report, failure);
    failure->phase = record.phase;
    failure->index = record.index;
    pid_t holder = user_namespace_hold(record.payload, failure);
    if (holder < 0) return holder;
    int result = launch_release(plan, holder, report, failure);
    user_namespace_release(holder);
    return result;
}

static int run(const struct plan *plan, pid_t first, int report, warn_function *warn, void *keeper,
               struct restored *restored, struct failure *failure) {
    struct restore restore;
    scoped_fd socket = -1;
    if (!restore_read(plan, &restore)) return -EBADMSG;
    int result = release(plan, first, report, failure);
    if (result == 0) result = hear_out(report, &socket, warn, keeper, failure);
    if (result == 0) {
        blame_criu(plan, failure);
        result = (int)SYS(send(socket, restore.request.bytes, restore.request.length, MSG_NOSIGNAL));
    }
    if (result >= 0) return converse(plan, socket, restored, failure);
    /* Nothing is there yet that it would have to take back. */
    kill(first, SIGKILL);
    return fail(failure, result, "connect with criu");
}

/* A number may be anybody's; what we signal has to be a child. */
static bool is_child(pid_t pid) {
    siginfo_t info;
    return pid > 1 && SYS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)) == 0;
}

static void wait_for(pid_t pid) {
    while (SYS(waitpid(pid, NULL, 0)) == -EINTR) continue;
}

int restore_run(const struct plan *plan, pid_t first, int report, warn_function *warn, void *keeper,
                struct restored *restored, struct failure *failure) {
    *restored = (struct restored){.console = -1};
    int result = run(plan, first, report, warn, keeper, restored, failure);
    /* When it fails it takes back what it has made. */
    wait_for(first);
    if (result == 0 && !is_child(restored->init))
        result = fail(failure, ECANCELED, "criu: it says that it has made process %d, which is none of its own", (int)restored->init);
    if (result == 0) return 0;
    drop_fd(&restored->console);
    return result;
}
