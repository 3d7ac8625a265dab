/* Calls that talk to other processes of this machine: unix sockets and fifos. */
#include "addon.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static napi_value run_connect_local(napi_env env, const struct argument *a) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(a[0].text);
    if (length >= sizeof address.sun_path) return throw_errno(env, "connect", ENAMETOOLONG);
    memcpy(address.sun_path, a[0].text, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) return throw_errno(env, "socket", errno);
    int result;
    RETRY(result, connect(fd, (struct sockaddr *)&address, sizeof address));
    if (result == 0) return check_number(env, "connect", fd);
    int error = errno;
    close(fd);
    return throw_errno(env, "connect", error);
}

static napi_value make_pair(napi_env env, const int ends[2]) {
    napi_value pair;
    bool made = napi_create_array_with_length(env, 2, &pair) == napi_ok;
    for (uint32_t i = 0; i < 2 && made; i++) {
        napi_value number;
        made = napi_create_int32(env, ends[i], &number) == napi_ok && napi_set_element(env, pair, i, number) == napi_ok;
    }
    if (made) return pair;
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

static napi_value run_packet_pair(napi_env env, const struct argument *a) {
    (void)a;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) return throw_errno(env, "socketpair", errno);
    return make_pair(env, ends);
}

static napi_value run_pipe(napi_env env, const struct argument *a) {
    (void)a;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1) return throw_errno(env, "pipe2", errno);
    return make_pair(env, ends);
}

static napi_value run_wide_pipe(napi_env env, const struct argument *a) {
    (void)a;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1) return throw_errno(env, "pipe2", errno);
    /* Who has many already gets no room for more (pipe-user-pages-soft): then it is the usual 64 KiB, or a page. */
    (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    return make_pair(env, ends);
}

/* To open a fifo for reading waits for a writer, who may never come: so without waiting, and then as usual. */
static napi_value run_open_fifo(napi_env env, const struct argument *a) {
    int fd = open(a[0].text, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) return throw_errno(env, "open", errno);
    if (fcntl(fd, F_SETFL, 0) == 0) return check_number(env, "open", fd);
    int error = errno;
    close(fd);
    return throw_errno(env, "fcntl", error);
}

static napi_value run_read_once(napi_env env, const struct argument *a) {
    /* Larger than any frame of a launcher or an init (native/shim/frame.h). */
    char bytes[4096];
    ssize_t length;
    RETRY(length, read((int)a[0].number, bytes, sizeof bytes));
    return length == -1 ? throw_errno(env, "read", errno) : make_bytes(env, bytes, (size_t)length);
}

static napi_value run_send_packet(napi_env env, const struct argument *a) {
    ssize_t length;
    RETRY(length, send((int)a[0].number, a[1].bytes, a[1].length, MSG_NOSIGNAL));
    return check(env, "send", length == -1 ? -1 : 0);
}

/* Where caught signals are passed on to; -1 nowhere. */
static volatile sig_atomic_t passed_to = -1;

/* A frame of protocol.h, sent by whichever thread the kernel has chosen: send(2) is safe in a handler. */
static void pass_on(int signal) {
    int saved = errno;
    const uint8_t frame[] = {FRAME_SIGNAL, 0, 0, 0, 4, 0, 0, 0, (uint8_t)signal, 0, 0, 0};
    if (passed_to != -1) send(passed_to, frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT);
    errno = saved;
}

static napi_value run_pass_signals(napi_env env, const struct argument *a) {
    struct sigaction action = {.sa_handler = a[0].number == -1 ? SIG_DFL : pass_on, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    passed_to = (sig_atomic_t)a[0].number;
    for (int signal = 1; signal < 32; signal++) {
        if ((a[1].number >> signal & 1) == 0) continue;
        if (sigaction(signal, &action, NULL) == -1) return throw_errno(env, "sigaction", errno);
    }
    return NULL;
}

const struct call channel_calls[] = {
    {"connectLocal", "s", run_connect_local},
    {"packetPair", "", run_packet_pair},
    {"pipe", "", run_pipe},
    {"widePipe", "", run_wide_pipe},
    {"openFifo", "s", run_open_fifo},
    {"readOnce", "f", run_read_once},
    {"sendPacket", "fy", run_send_packet},
    {"passSignals", "iu", run_pass_signals},
    {0},
};
