/* The HDF5 library, used by one thread at a time and without its own printing. */
#ifndef ENGINES_PROFILE_HDF5_LIBRARY_H
#define ENGINES_PROFILE_HDF5_LIBRARY_H

#include <hdf5.h>

/* Not every build of the library is for several threads, and what is set is set for all of it: so
 * everything that calls it does so between these two. It prints every failure by itself unless told
 * not to; what was set comes back afterwards. */
struct hdf5_quiet {
    H5E_auto2_t print;
    void *data;
};
void hdf5_begin(struct hdf5_quiet *q);
void hdf5_end(const struct hdf5_quiet *q);

/* What the library says of its last failure: the innermost message of its stack. */
enum { HDF5_WHY_SIZE = 200 };
const char *hdf5_why(char why[HDF5_WHY_SIZE]);

#endif
