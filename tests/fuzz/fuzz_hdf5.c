/* HDF5 bytes from anywhere, through the reader, the row chooser and the profile's checks; what is
 * accepted must read back from its own copy. Seeds: the .h5 files of tests/data/profiles.
 * libhdf5 has faults of its own on hostile files, so a crash inside of it is not ours to mend. */
#include <stdlib.h>
#include <string.h>

#include "engines/profile/hdf5.h"
#include "engines/profile/profile_internal.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena arena;
    struct diag d;
    struct profile profile = {.name = "fuzz", .path = "fuzz"};
    const unsigned char *again;
    size_t n_again;

    arena_init(&arena);
    diag_init(&d);
    enum status st = hdf5_read(&profile.file, &arena, "fuzz", data, n, &d);
    if (st == ST_OK && hdf5_write(&profile.file, &arena, &again, &n_again, &d) == ST_OK) {
        struct profile_file copy;
        if (hdf5_read(&copy, &arena, "written", again, n_again, &d) != ST_OK &&
            d.status != ST_NOMEM)
            BUG("%s", d.text);
        if (copy.n_arrays != profile.file.n_arrays)
            BUG("%zu arrays became %zu", profile.file.n_arrays, copy.n_arrays);
    }
    if (st == ST_OK)
        st = profile_choose_row(&profile.file, &arena, "fuzz", 0, &d);
    if (st == ST_OK)
        st = profile_view(&profile, &arena, "fuzz", false, &d);
    if (st == ST_OK && (profile.max_kv_tokens < 1 || profile.n_decode < 3))
        BUG("an unusable profile passed");
    if (st != ST_OK && !d.text[0])
        BUG("a failure without a message");
    arena_release(&arena);
    return 0;
}
