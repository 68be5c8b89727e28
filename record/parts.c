#include "record/parts.h"

#include "util/bug.h"

static const struct {
    const char *name, *text;
} parts[] = {
#define XX(id, name, text) {name, text},
    PART_MAP(XX)
#undef XX
};

const char *request_part_name(enum request_part part)
{
    BUG_IF(part >= N_REQUEST_PARTS);
    return parts[part].name;
}

const char *request_part_text(enum request_part part)
{
    BUG_IF(part >= N_REQUEST_PARTS);
    return parts[part].text;
}
