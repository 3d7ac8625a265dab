/* Apart from what mounts, for those who only check a plan. */
#include "overlay.h"

void overlay_read(struct cursor *payload, struct overlay *overlay) {
    overlay->directory = take_string(payload);
    overlay->lower = *payload;
    for (uint32_t count = take_count(payload); count > 0; count--) take_string(payload);
    overlay->upper = take_optional(payload);
    overlay->work = take_optional(payload);
    overlay->target = take_string(payload);
    overlay->others = *payload;
    for (uint32_t count = take_count(payload); count > 0; count--) take_string(payload);
    overlay->flags = take_u32(payload);
    overlay->mapping = take_u32(payload);
}
