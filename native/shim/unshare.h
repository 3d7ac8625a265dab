/*
 * A user namespace for a program of an ordinary user, so that it can make, change and remove files of the ids that
 * containers have.
 */
#ifndef ONGGI_UNSHARE_H
#define ONGGI_UNSHARE_H

/*
 * onggi-shim --unshare USER-HELPER USER-MAP GROUP-HELPER GROUP-MAP PROGRAM [ARGUMENT...]
 *
 * Moves this process into new user and mount namespaces with these maps (idmap_write_words) and executes the program
 * there as root, in its place: no process stays behind. @returns the status to end with, 125, 126 or 127, when it could
 * not; why is said on standard error.
 */
int unshare_run(int count, char **arguments);

#endif
