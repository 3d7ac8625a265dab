/* Labels of what the init makes for the command. */
#ifndef ONGGI_LABEL_H
#define ONGGI_LABEL_H

#include "init.h"

/* Keys that this process makes from now on get the label of OP_SELINUX, if there is one; not `begin`: no longer. */
int label_keyring(struct init *init, bool begin);

#endif
