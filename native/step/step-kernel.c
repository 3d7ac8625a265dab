/* Steps that set parameters of the namespaces. */
#include <stdio.h>
#include <string.h>

#include "init.h"
#include "netlink.h"
#include "proc.h"
#include "syscalls.h"

/*
 * sysctl(8): names are written with dots or with slashes, and the first separator decides; "net.ipv4.conf.eth0/1.x"
 * is the interface eth0.1.
 */
static int sysctl_path(const char *name, char *path, size_t size) {
    int length = snprintf(path, size, "sys/%s", name);
    if (length < 0 || (size_t)length >= size) return -ENAMETOOLONG;
    const char *separator = strpbrk(name, "./");
    if (separator == NULL || *separator == '/') return 0;
    for (char *at = path + strlen("sys/"); *at != '\0'; at++) {
        if (*at == '.') *at = '/';
        else if (*at == '/') *at = '.';
    }
    return 0;
}

int step_sysctl(struct init *init, struct cursor *payload) {
    const char *name = take_string(payload);
    const char *value = take_string(payload);
    char path[256];
    int result = sysctl_path(name, path, sizeof path);
    if (result == 0) result = proc_write(init, path, value);
    return result < 0 ? fail(&init->failure, result, "set the kernel parameter \"%s\" to \"%s\"", name, value) : 0;
}

int step_hostname(struct init *init, struct cursor *payload) {
    const char *name = take_string(payload);
    int result = (int)SYS(sethostname(name, strlen(name)));
    return result < 0 ? fail(&init->failure, result, "set the host name \"%s\"", name) : 0;
}

int step_domainname(struct init *init, struct cursor *payload) {
    const char *name = take_string(payload);
    int result = (int)SYS(setdomainname(name, strlen(name)));
    return result < 0 ? fail(&init->failure, result, "set the domain name \"%s\"", name) : 0;
}

int step_unshare_cgroup(struct init *init, struct cursor *payload) {
    (void)payload;
    int result = sys_unshare(CLONE_NEWCGROUP);
    return result < 0 ? fail(&init->failure, result, "create the cgroup namespace") : 0;
}

int step_netlink(struct init *init, struct cursor *payload) {
    return netlink_run(payload, 0, &init->failure);
}
