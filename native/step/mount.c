#include "mount.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scoped.h"
#include "syscalls.h"

static const struct {
    uint32_t flag;
    uint32_t attribute;
} attributes_of_flags[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY},           {MS_NOSUID, MOUNT_ATTR_NOSUID},
    {MS_NODEV, MOUNT_ATTR_NODEV},             {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
    {MS_NOATIME, MOUNT_ATTR_NOATIME},         {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},   {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

/* Flags that belong to the file system, not to the mount; set as options. */
static const struct {
    uint32_t flag;
    const char *option;
} options_of_flags[] = {
    {MS_SYNCHRONOUS, "sync"}, {MS_DIRSYNC, "dirsync"}, {MS_LAZYTIME, "lazytime"}, {MS_MANDLOCK, "mand"}};

enum { REFUSED_FLAGS = MS_REMOUNT | MS_BIND | MS_MOVE };

uint64_t mount_attributes(uint32_t flags) {
    uint64_t attributes = 0;
    for (size_t i = 0; i < sizeof attributes_of_flags / sizeof attributes_of_flags[0]; i++) {
        if (flags & attributes_of_flags[i].flag) attributes |= attributes_of_flags[i].attribute;
    }
    return attributes;
}

/*
 * With the message that the file system left in its context (fsopen(2)), e.g. "e tmpfs: Bad value for 'size'".
 *
 * @param how says what the value is; nothing is said where there is none
 */
static int fail_with_log(int fs, struct failure *failure, int error, const char *type, const char *how,
                         const char *value) {
    char log[256] = "";
    long length = SYS(read(fs, log, sizeof log - 1));
    log[strcspn(log, "\n")] = '\0';
    const char *colon = length > 2 ? ": " : "", *words = length > 2 ? log + 2 : "";
    if (*value == '\0') return fail(failure, error, "mount \"%s\"%s%s", type, colon, words);
    return fail(failure, error, "mount \"%s\" %s \"%s\"%s%s", type, how, value, colon, words);
}

/*
 * A value of fsconfig(2) has at most 255 bytes. The layers of an overlay can be told one by one (Linux 6.7) where they
 * are more than that together; then no character of their names means anything, and the backslashes go.
 */
static int set_layers(int fs, char *layers) {
    int result = 0;
    while (result == 0 && *layers != '\0') {
        char *layer = layers, *end = layers;
        while (*layers != '\0' && *layers != ':') {
            if (*layers == '\\' && layers[1] != '\0') layers++;
            *end++ = *layers++;
        }
        if (*layers == ':') layers++;
        *end = '\0';
        result = sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", layer);
    }
    return result;
}

static int set_option(int fs, const char *type, char *option, struct failure *failure) {
    char *equals = strchr(option, '=');
    int result;
    if (equals == NULL) {
        result = sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL);
    } else {
        char *value = equals + 1;
        size_t length = strlen(value);
        bool quoted = length > 1 && value[0] == '"' && value[length - 1] == '"';
        *equals = '\0';
        if (quoted) value[length - 1] = '\0';
        value += quoted;
        bool layers = length > 255 && strcmp(type, "overlay") == 0 && strcmp(option, "lowerdir") == 0;
        result = layers ? set_layers(fs, value) : sys_fsconfig(fs, FSCONFIG_SET_STRING, option, value);
        *equals = '=';
    }
    return result < 0 ? fail_with_log(fs, failure, result, type, "with option", option) : 0;
}

/*
 * Cuts the next option off. A character after a backslash belongs to it, whatever it is (a path of overlayfs), and so
 * does a comma within quotes (context="u:r:t:s0:c1,c2", mount(8)).
 */
static char *next_option(char **rest) {
    char *option = *rest, *at = option;
    bool quoted = false;
    while (*at != '\0' && (quoted || *at != ',')) {
        if (*at == '"' && (quoted || (at > option && at[-1] == '='))) quoted = !quoted;
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    *rest = *at == '\0' ? NULL : at + 1;
    *at = '\0';
    return option;
}

/* Of any length: they go to the kernel one by one, not on the one page of mount(2). */
static int set_options(int fs, const char *type, const char *data, struct failure *failure) {
    char *options = strdup(data);
    if (options == NULL) return fail(failure, ENOMEM, "mount \"%s\": allocate its options", type);
    int result = 0;
    for (char *rest = options; rest != NULL && result == 0;) {
        char *option = next_option(&rest);
        if (*option != '\0') result = set_option(fs, type, option, failure);
    }
    free(options);
    return result;
}

int mount_reconfigure(int mount, const char *data, struct failure *failure) {
    scoped_fd fs = sys_fspick(mount);
    int result = fs < 0 ? fs : set_options(fs, "remount", data, failure);
    if (result < 0) return result;
    result = sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL);
    return result < 0 ? fail_with_log(fs, failure, result, "remount", "with options", data) : 0;
}

static int set_flags(int fs, const char *type, const char *source, uint32_t flags, struct failure *failure) {
    for (size_t i = 0; i < sizeof options_of_flags / sizeof options_of_flags[0]; i++) {
        if ((flags & options_of_flags[i].flag) == 0) continue;
        int result = sys_fsconfig(fs, FSCONFIG_SET_FLAG, options_of_flags[i].option, NULL);
        if (result < 0) return fail_with_log(fs, failure, result, type, "with option", options_of_flags[i].option);
    }
    /*
     * Read-only is a matter of the mount. Only a device is opened read-only as well: a cgroup hierarchy or sysfs is
     * one instance for the whole machine, which must not change for others.
     */
    if ((flags & MS_RDONLY) == 0 || source[0] != '/') return 0;
    return sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL);
}

int mount_new(const char *type, const char *source, uint32_t flags, const char *data, struct failure *failure) {
    if (flags & REFUSED_FLAGS) return fail(failure, EINVAL, "mount \"%s\": flags of a bind or remount", type);
    scoped_fd fs = sys_fsopen(type);
    if (fs == -ENODEV) return fail(failure, fs, "mount \"%s\": the kernel knows no such file system", type);
    if (fs < 0) return fail(failure, fs, "mount \"%s\": open the file system", type);
    int result = *source == '\0' ? 0 : sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source);
    if (result < 0) return fail_with_log(fs, failure, result, type, "of", source);
    result = set_flags(fs, type, source, flags, failure);
    if (result == 0) result = set_options(fs, type, data, failure);
    if (result < 0) return result;
    result = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
    if (result < 0) return fail_with_log(fs, failure, result, type, "with options", data);
    int mount = sys_fsmount(fs, (unsigned)mount_attributes(flags));
    return mount < 0 ? fail_with_log(fs, failure, mount, type, "with options", data) : mount;
}

int mount_clone(int directory, const char *path, int recursive) {
    return sys_open_tree(directory, path,
                         OPEN_TREE_CLONE | (*path == '\0' ? AT_EMPTY_PATH : 0) | (recursive ? AT_RECURSIVE : 0));
}

int mount_change(int mount, uint64_t set, uint64_t clear, uint32_t propagation, int recursive) {
    /* The times are one field of several bits: setting one clears the others (mount_setattr(2)). */
    if (set & MOUNT_ATTR__ATIME) clear |= MOUNT_ATTR__ATIME;
    if (set == 0 && clear == 0 && propagation == 0) return 0;
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return sys_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, &attributes);
}
