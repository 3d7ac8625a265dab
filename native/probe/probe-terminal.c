/* Ends of terminals, for tests in a machine without Python: a pty under a program, and a console socket. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

/* Copies stdin to the master, and the master to stdout until its last slave is closed. */
static void relay(int master) {
    struct pollfd polled[] = {{.fd = 0, .events = POLLIN}, {.fd = master, .events = POLLIN}};
    char bytes[4096];
    for (;;) {
        if (poll(polled, 2, -1) < 0) probe_die("poll");
        for (int i = 0; i < 2; i++) {
            if (polled[i].revents == 0) continue;
            ssize_t length = read(polled[i].fd, bytes, sizeof bytes);
            if (length <= 0 && i == 1) return;
            if (length <= 0) polled[0].fd = -1;
            else if (write(i == 0 ? master : 1, bytes, (size_t)length) != length) probe_die("write");
        }
    }
}

/* terminal ROWS COLUMNS PROGRAM ARGUMENT...: a program on a terminal of that size; its exit status. */
int probe_terminal(char **arguments) {
    for (int i = 0; i < 3; i++) {
        if (arguments[i] == NULL) return 2;
    }
    struct winsize size = {.ws_row = (unsigned short)probe_number(arguments[0]), .ws_col = (unsigned short)probe_number(arguments[1])};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0) probe_die("make a terminal");
    pid_t child = fork();
    if (child < 0) probe_die("fork");
    if (child == 0) {
        setsid();
        int slave = open(ptsname(master), O_RDWR);
        if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) probe_die("open the terminal");
        for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
        if (slave > 2) close(slave);
        execvp(arguments[2], arguments + 2);
        probe_die(arguments[2]);
    }
    relay(master);
    int status;
    if (waitpid(child, &status, 0) < 0) probe_die("wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int receive(int connection) {
    char bytes[4096];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    int fd = -1;
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0) probe_die("receive a terminal");
    const struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    if (first == NULL || first->cmsg_type != SCM_RIGHTS) return -1;
    memcpy(&fd, CMSG_DATA(first), sizeof fd);
    return fd;
}

/* console SOCKET: takes a container's terminal there, and is its end. */
int probe_console(char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(arguments[0]) >= sizeof address.sun_path) return 2;
    strcpy(address.sun_path, arguments[0]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0) probe_die(arguments[0]);
    if (write(1, "listening\n", 10) != 10) probe_die("write");
    int connection = accept(listener, NULL, NULL);
    int master = connection < 0 ? -1 : receive(connection);
    if (master < 0) probe_die("take a terminal");
    close(connection);
    relay(master);
    return 0;
}
