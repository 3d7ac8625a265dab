/*
 * The launcher: the parent of a container whose stdio and exit status are another program's business. It executes the
 * plan, says how that went, and leaves; or it stays until the container has ended, for a command in the foreground.
 *
 *   0 1 2   stdio of the container, or what its terminal is relayed to
 *   3       the plan
 *   4       the channel: frames of protocol.h, one a packet, to and from whoever has started the launcher
 *   5       a console socket that is connected, or /dev/null
 *   6 ...   descriptors that the container gets, from 3 up
 *
 *      starter                    launcher                         init
 *        |<-- WARN* ----------------|-- clone, ATTACHED, HOOKED ---->| mounts, pivot, identity ...
 *        |<-- STATUS(created) ------|<-- created --------------------| (wait-start)
 *        |                          exits unless it is to stay       |<-- START, by the fifo --- another starter
 *        |-- START, SIGNAL -------->|-- start ---------------------->| exec
 *        |<-- STATUS(running) ------|<-- end of file ----------------|
 *        |<-- EXIT -----------------|<-- SIGCHLD --------------------|
 *
 * FAIL takes the place of a STATUS and is the last frame; then all that was made is gone already. A starter that
 * closes the channel before the init runs has it put down, too; afterwards the launcher leaves and the init lives on.
 *
 * A plan without wait-start skips STATUS(created); its launcher leaves after STATUS(running).
 */
#ifndef ONGGI_LAUNCHER_H
#define ONGGI_LAUNCHER_H

_Noreturn void launcher_run(void);

#endif
