/* The pseudoterminal of a container, out of its own devpts. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "init.h"
#include "message.h"
#include "mount.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* The multiplexer of a devpts, and nothing that the container has put in its place: char 5:2 on devpts. */
static int open_multiplexer(const struct init *init) {
    scoped_fd fd = root_open(init->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
    if (fd < 0) return fd;
    struct stat status;
    struct statfs system;
    int result = (int)SYS(fstat(fd, &status));
    if (result == 0) result = (int)SYS(fstatfs(fd, &system));
    if (result < 0) return result;
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2) || system.f_type != MAGIC_DEVPTS) return -ENODEV;
    return take_fd(&fd);
}

/* The slave by its master, not by its name: /dev/pts/N may be another terminal (CVE-2025-52565). */
static int open_peer(int master) {
    int unlock = 0;
    int result = (int)SYS(ioctl(master, TIOCSPTLCK, &unlock));
    if (result < 0) return result;
    return (int)SYS(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

static int bind_console(const struct init *init, int slave) {
    scoped_fd tree = mount_clone(slave, "", 0);
    if (tree < 0) return tree;
    scoped_fd target = root_open(init->root, "/dev/console", O_PATH, RESOLVE_NO_SYMLINKS);
    if (target == -ENOENT) target = root_make(init->root, "/dev/console", 0755, true);
    return target < 0 ? target : sys_move_mount(tree, target);
}

static int become_terminal(int slave) {
    for (int fd = 0; fd < 3; fd++) {
        int result = (int)SYS(dup2(slave, fd));
        if (result < 0) return result;
    }
    return (int)SYS(ioctl(0, TIOCSCTTY, 0));
}

int step_console(struct init *init, struct cursor *payload) {
    struct winsize size = {0};
    size.ws_row = (unsigned short)take_u32(payload);
    size.ws_col = (unsigned short)take_u32(payload);
    bool bind = take_bool(payload);
    scoped_fd master = open_multiplexer(init);
    if (master < 0) return fail(&init->failure, master, "open /dev/pts/ptmx");
    scoped_fd slave = open_peer(master);
    if (slave < 0) return fail(&init->failure, slave, "open the pseudoterminal");
    int result = size.ws_row == 0 && size.ws_col == 0 ? 0 : (int)SYS(ioctl(slave, TIOCSWINSZ, &size));
    if (result < 0) return fail(&init->failure, result, "set the terminal's size");
    result = bind ? bind_console(init, slave) : 0;
    if (result < 0) return fail(&init->failure, result, "bind the terminal on /dev/console");
    result = become_terminal(slave);
    if (result < 0) return fail(&init->failure, result, "make the terminal the controlling one");
    result = message_send(init->report, MESSAGE_CONSOLE, NULL, master);
    return result < 0 ? fail(&init->failure, result, "hand the terminal to the shim") : 0;
}
