/* Unix datagram sockets, over which services tell that they are ready (sd_notify(3)). */
#include "addon.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer messages are cut: of what is said only lines at the beginning count. */
#define MESSAGE_SIZE 4096

/* A path, or a name of the abstract namespace where it begins with "@" (unix(7)). 0 when it is too long. */
static socklen_t make_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (path[0] != '@') return sizeof *address;
    address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static napi_value run_bind_datagrams(napi_env env, const struct argument *a) {
    struct sockaddr_un address;
    socklen_t length = make_address(a[0].text, &address);
    if (length == 0) return throw_errno(env, "bind", ENAMETOOLONG);
    SCOPED_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1) return throw_errno(env, "socket", errno);
    if (bind(fd, (struct sockaddr *)&address, length) == -1) return throw_errno(env, "bind", errno);
    /* Whatever identity a process has, it may send. */
    if (a[0].text[0] != '@' && chmod(a[0].text, 0777) == -1) return throw_errno(env, "chmod", errno);
    int opened = fd;
    fd = -1;
    return check_number(env, "socket", opened);
}

static napi_value run_receive_datagram(napi_env env, const struct argument *a) {
    int fd = (int)a[0].number;
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int ready;
    RETRY(ready, poll(&poller, 1, (int)a[1].number));
    if (ready == -1) return throw_errno(env, "poll", errno);
    if (ready == 0) return NULL;
    char message[MESSAGE_SIZE];
    /* Descriptors that come along have nowhere to go: the kernel closes them. */
    ssize_t length;
    RETRY(length, recv(fd, message, sizeof message, MSG_DONTWAIT));
    if (length == -1 && errno == EAGAIN) return NULL;
    return length == -1 ? throw_errno(env, "recv", errno) : make_bytes(env, message, (size_t)length);
}

static napi_value run_send_datagram(napi_env env, const struct argument *a) {
    struct sockaddr_un address;
    socklen_t length = make_address(a[0].text, &address);
    if (length == 0) return throw_errno(env, "sendto", ENAMETOOLONG);
    SCOPED_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1) return throw_errno(env, "socket", errno);
    ssize_t sent;
    RETRY(sent, sendto(fd, a[1].bytes, a[1].length, MSG_NOSIGNAL, (struct sockaddr *)&address, length));
    return check(env, "sendto", sent == -1 ? -1 : 0);
}

const struct call datagram_calls[] = {
    {"bindDatagrams", "s", run_bind_datagrams},
    {"receiveDatagram", "fu", run_receive_datagram},
    {"sendDatagram", "sy", run_send_datagram},
    {0},
};
