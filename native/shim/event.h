/* What the shim tells by itself: lines of the event log, as src/engine/event/line.ts has them. */
#ifndef ONGGI_EVENT_H
#define ONGGI_EVENT_H

#include "options.h"

/*
 * Appends an event, now. `more` is "" or attributes that were not known before, as `"more":{...},`. The end of the line
 * is that of the options, unless there is a file "event" beside the exit record: the container has got another name.
 * Never fails: what can't be told is lost.
 */
void event_tell(const struct options *options, const char *action, const char *more);

#endif
