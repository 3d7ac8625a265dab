/* The network subcommands of the probe. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "probe.h"

/* http PORT: answers every request on any address with "ok\n", one at a time. */
int probe_http(char **arguments) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)probe_number(arguments[0]))};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (listener < 0) probe_die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) probe_die("listen");
    printf("listening\n");
    fflush(stdout);
    int client;
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        char request[4096];
        if (read(client, request, sizeof request) > 0 && write(client, answer, sizeof answer - 1) < 0) perror("write");
        shutdown(client, SHUT_WR);
        close(client);
    }
    probe_die("accept");
}

/* connect HOST PORT: sends a request, prints what comes back. */
int probe_connect(char **arguments) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int problem = getaddrinfo(arguments[0], arguments[1], &hints, &found);
    if (problem != 0) {
        fprintf(stderr, "onggi-probe: %s: %s\n", arguments[0], gai_strerror(problem));
        return 1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval timeout = {.tv_sec = 5};
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0) probe_die("connect");
    dprintf(fd, "GET / HTTP/1.0\r\n\r\n");
    char reply[4096];
    ssize_t length;
    while ((length = read(fd, reply, sizeof reply)) > 0) fwrite(reply, 1, (size_t)length, stdout);
    return length < 0;
}
