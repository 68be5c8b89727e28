#include "planner/fpm/reason.h"

#include <stddef.h>

const char *fpm_reason_text(enum fpm_reason reason)
{
    static const char *const texts[] = {
#define XX(id, name) name,
        FPM_REASON_MAP(XX)
#undef XX
    };

    return reason == FPM_NO_REASON ? NULL : texts[reason];
}
