#include "reports/grant_line.h"

#include "util/json_out.h"
#include "util/units.h"

void grant_line(FILE *out, const struct grant_record *grant, const struct run_info *of,
                const struct run_info *asker)
{
    struct json_out j;

    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key_double(&j, "at_s", s_from_ns(grant->at_ns));
    json_key_string(&j, "deployment", of->deployment);
    json_key_string(&j, "asker", asker ? asker->deployment : NULL);
    json_key_string(&j, "grant", grant_name(grant->grant));
    json_key(&j, "pools");
    json_object_begin(&j);
    for (size_t p = 0; p < grant->n_pools; p++) {
        json_key(&j, of->pool_names[p]);
        json_object_begin(&j);
        json_key_int(&j, "wanted", grant->wanted[p]);
        json_key_int(&j, "before", grant->before[p]);
        json_key_int(&j, "granted", grant->granted[p]);
        json_object_end(&j);
    }
    json_object_end(&j);
    json_object_end(&j);
}
