#include "overlay.h"

#include <linux/capability.h>
#include <string.h>

#include "mount.h"
#include "scoped.h"
#include "syscalls.h"

/* The longest value that fsconfig(2) takes as a string. */
enum { VALUE_MAX = 255 };

/* The option string of overlayfs, at most a page (mount(2)). */
struct options {
    char text[4096];
    size_t used;
    bool full;
};

static void options_add(struct options *options, const char *text, bool escape) {
    for (; *text != '\0'; text++) {
        if (options->used + 3 > sizeof options->text) {
            options->full = true;
            return;
        }
        /* overlayfs.rst: colons separate layers, commas options; a backslash takes their meaning away. */
        if (escape && strchr("\\:,", *text) != NULL) options->text[options->used++] = '\\';
        options->text[options->used++] = *text;
    }
}

static void options_start(struct options *options, const char *key) {
    if (options->used > 0) options_add(options, ",", false);
    options_add(options, key, false);
}

static void options_path(struct options *options, const char *key, const char *path) {
    if (path == NULL) return;
    options_start(options, key);
    options_add(options, path, true);
}

static void write_options(const struct overlay *overlay, struct options *options) {
    struct cursor lower = overlay->lower, others = overlay->others;
    options_start(options, "lowerdir=");
    uint32_t layers = take_count(&lower);
    for (uint32_t i = 0; i < layers; i++) {
        if (i > 0) options_add(options, ":", false);
        options_add(options, take_string(&lower), true);
    }
    options_path(options, "upperdir=", overlay->upper);
    options_path(options, "workdir=", overlay->work);
    for (uint32_t count = take_count(&others); count > 0; count--) options_start(options, take_string(&others));
    if (!options->full) options->text[options->used] = '\0';
}

/* A directory as an option: by name, or by descriptor (Linux 6.13) where the name is too long for fsconfig(2). */
static int set_directory(int fs, const char *key, const char *path, bool escape) {
    struct options value = {.used = 0};
    options_add(&value, path, escape);
    if (!value.full && value.used <= VALUE_MAX) {
        value.text[value.used] = '\0';
        return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value.text);
    }
    scoped_fd directory = (int)SYS(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    return directory < 0 ? directory : sys_fsconfig_fd(fs, key, directory);
}

static int set_other(int fs, const char *option) {
    char key[VALUE_MAX + 1];
    size_t length = strcspn(option, "=");
    if (length >= sizeof key) return -E2BIG;
    if (option[length] == '\0') return sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL);
    memcpy(key, option, length);
    key[length] = '\0';
    /* Quotes are for mount(2), where a comma would end the value. */
    char value[VALUE_MAX + 1];
    const char *from = option + length + 1;
    size_t size = strlen(from);
    bool quoted = size > 1 && from[0] == '"' && from[size - 1] == '"';
    if (size >= sizeof value) return -E2BIG;
    memcpy(value, from + quoted, size);
    if (quoted) value[size - 2] = '\0';
    else value[size] = '\0';
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value);
}

static int set_layers(int fs, const struct overlay *overlay) {
    struct cursor lower = overlay->lower, others = overlay->others;
    int result = 0;
    /* Names behind "lowerdir+" are taken as they are (overlayfs.rst), those of upperdir and workdir are not. */
    for (uint32_t count = take_count(&lower); count > 0 && result == 0; count--)
        result = set_directory(fs, "lowerdir+", take_string(&lower), false);
    if (result == 0 && overlay->upper != NULL) result = set_directory(fs, "upperdir", overlay->upper, true);
    if (result == 0 && overlay->work != NULL) result = set_directory(fs, "workdir", overlay->work, true);
    for (uint32_t count = take_count(&others); count > 0 && result == 0; count--)
        result = set_other(fs, take_string(&others));
    return result;
}

/*
 * Layer by layer (Linux 6.7), for more of them than the one page of mount(2) holds. Not for all: it takes a call a layer.
 */
static int mount_by_layers(const struct overlay *overlay, struct failure *failure) {
    scoped_fd fs = sys_fsopen("overlay");
    if (fs < 0) return fs;
    int result = set_layers(fs, overlay);
    if (result == -EINVAL)
        return fail(failure, E2BIG, "mount overlay on \"%s\": more layers than this kernel takes", overlay->target);
    if (result == 0) result = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
    scoped_fd mount = result < 0 ? result : sys_fsmount(fs, (unsigned)mount_attributes(overlay->flags));
    if (mount < 0) return mount;
    scoped_fd place = (int)SYS(open(overlay->target, O_PATH | O_DIRECTORY | O_CLOEXEC));
    return place < 0 ? place : sys_move_mount(mount, place);
}

/*
 * Overlayfs writes with the capabilities of who has mounted it. With CAP_SYS_RESOURCE no quota would hold and the blocks
 * that are reserved for root could be used up (quotactl(2), ext4(5)).
 */
static int mount_without_privilege(const struct overlay *overlay, const struct options *options, struct failure *failure) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct before[2] = {0}, reduced[2];
    int result = (int)SYS(syscall(SYS_capget, &header, before));
    memcpy(reduced, before, sizeof reduced);
    reduced[0].effective &= ~(UINT32_C(1) << CAP_SYS_RESOURCE);
    if (result == 0) result = (int)SYS(syscall(SYS_capset, &header, reduced));
    if (result < 0) return fail(failure, result, "lay down CAP_SYS_RESOURCE");
    result = options->full ? mount_by_layers(overlay, failure)
                           : sys_mount("overlay", overlay->target, "overlay", overlay->flags, options->text);
    int restored = (int)SYS(syscall(SYS_capset, &header, before));
    return result < 0 ? result : restored;
}

int overlay_mount(const struct overlay *overlay, struct failure *failure) {
    struct options options = {.used = 0};
    write_options(overlay, &options);
    int result = (int)SYS(chdir(overlay->directory));
    if (result < 0) return fail(failure, result, "enter the layer directory \"%s\"", overlay->directory);
    result = mount_without_privilege(overlay, &options, failure);
    if (result == 0) return 0;
    struct cursor lower = overlay->lower;
    return fail(failure, result, "mount overlay of %u layers on \"%s\"", take_count(&lower), overlay->target);
}
