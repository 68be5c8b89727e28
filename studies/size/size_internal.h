/* Between the files of the study. */
#ifndef STUDIES_SIZE_SIZE_INTERNAL_H
#define STUDIES_SIZE_SIZE_INTERNAL_H

#include "studies/size/size.h"
#include "studies/size/traffic_load.h"

/* What is different in a run of a choice. */
struct size_setting {
    struct fleet fleet;
    double more_load;                    /* factor on top of that of the choice */
    uint64_t replicate;                  /* 0 = the scenario's own */
    double prompt_factor, decode_factor; /* on top of those of the scenario */
};

/* As overrides over the scenario, in the arena. ST_NOMEM. */
enum status size_variant(struct study_variant *variant, struct arena *arena,
                         const struct size_options *options, const struct size_choice *choice,
                         const struct size_setting *setting, struct diag *d);

/* Every choice there is, with what is to be known of it before the first run. */
enum status size_choices(struct size_choice **choices, size_t *n, struct arena *arena,
                         const struct size_options *options, struct diag *d);

#endif
