#include "cli/cli.h"

#include <yaml.h>
#include <zlib.h>

enum status version_run(const struct cli_args *args, struct diag *d)
{
    (void)args;
    (void)d;
    printf("headroom %s\n", HEADROOM_VERSION);
    printf("libyaml %s, zlib %s\n", yaml_get_version_string(), zlibVersion());
    return ST_OK;
}
