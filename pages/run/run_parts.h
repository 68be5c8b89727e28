/* The parts of TTFT as the page of a run shows them: those that have the same remedy as one. */
#ifndef PAGES_RUN_RUN_PARTS_H
#define PAGES_RUN_RUN_PARTS_H

#include "record/parts.h"

enum run_part {
    RUN_PART_PREFILL,
    RUN_PART_SHARED,
    RUN_PART_QUEUE,
    RUN_PART_WORKERS,
    RUN_PART_ROOM,
    RUN_PART_TRANSFER,
    RUN_PART_DECODE,
    RUN_PART_OTHER,
    N_RUN_PARTS
};
enum run_part run_part_of(enum request_part part);

#endif
