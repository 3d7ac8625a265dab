/* Whether the kernel killed something of a container for want of memory, and whose limit it was. */
#ifndef ONGGI_OOM_H
#define ONGGI_OOM_H

#include <stdint.h>

/* EXIT_OOM_CGROUP, EXIT_OOM_HOST or 0. `version` 0 is no cgroup to ask; read before the cgroup is removed. */
uint32_t oom_read(uint32_t version, const char *directory);

#endif
