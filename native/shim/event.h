/* Lines of the event log, as src/engine/event/line.ts has them. */
#ifndef ONGGI_EVENT_H
#define ONGGI_EVENT_H

#include <stddef.h>

/*
 * Appends an event of a container, now. `more` is "" or attributes that were not known before, as `"more":{...},`; the
 * tail is the end of the line with its newline. Never fails: what can't be told is lost.
 */
void event_tell(const char *log, const char *action, const char *more, const char *tail, size_t length);

#endif
