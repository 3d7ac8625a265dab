/* notify MESSAGE: tells the socket of NOTIFY_SOCKET (sd_notify(3)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "probe.h"

int probe_notify(char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path) probe_die("NOTIFY_SOCKET");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) probe_die("socket");
    const char *message = arguments[0];
    if (sendto(fd, message, strlen(message), 0, (struct sockaddr *)&address, sizeof address) < 0) probe_die("sendto");
    return 0;
}
