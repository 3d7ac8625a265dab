#include "message.h"

#include <string.h>
#include <sys/socket.h>

#include "syscalls.h"

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int message_send(int socket, uint32_t type, const struct failure *failure, int fd) {
    struct message message = {.type = type};
    struct iovec part = {&message, sizeof message.type};
    if (failure != NULL) {
        message.failure = *failure;
        part.iov_len = offsetof(struct message, failure) + offsetof(struct failure, text) + strlen(failure->text) + 1;
    }
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};
    if (fd >= 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        header.msg_control = &control;
        header.msg_controllen = sizeof control.bytes;
    }
    long sent = SYS(sendmsg(socket, &header, MSG_NOSIGNAL));
    return sent < 0 ? (int)sent : 0;
}

int message_receive(int socket, struct message *message, int *fd, int flags) {
    memset(message, 0, sizeof *message);
    struct iovec part = {message, sizeof *message};
    union control control = {0};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    long length = SYS(recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC));
    if (length <= 0) return (int)length;
    int passed = -1;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first != NULL && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS)
        memcpy(&passed, CMSG_DATA(first), sizeof passed);
    if (fd != NULL) *fd = passed;
    else if (passed >= 0) close(passed);
    if (length < (long)sizeof message->type) return -EBADMSG;
    message->failure.text[FAILURE_TEXT - 1] = '\0';
    return 1;
}
