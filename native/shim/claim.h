/* Saying that the first process of a container lives (alive.h). */
#ifndef ONGGI_CLAIM_H
#define ONGGI_CLAIM_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Claims that @pid, which began at @start_time (field 22 of /proc/PID/stat), lives, in the file of the store that has
 * the attach socket @socket. Closing the descriptor takes the claim back. Who finds no claim looks more closely, so to have none is no
 * error. The descriptor, or -errno.
 */
int claim_alive(const char *socket, pid_t pid, uint64_t start_time);

#endif
