#include "engines/profile/hdf5_library.h"

#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void hdf5_begin(struct hdf5_quiet *q)
{
    pthread_mutex_lock(&library);
    H5Eget_auto2(H5E_DEFAULT, &q->print, &q->data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hdf5_end(const struct hdf5_quiet *q)
{
    H5Eset_auto2(H5E_DEFAULT, q->print, q->data);
    pthread_mutex_unlock(&library);
}

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *error, void *text)
{
    (void)depth;
    snprintf(text, HDF5_WHY_SIZE, "%s", error->desc ? error->desc : "");
    return 1;
}

const char *hdf5_why(char why[HDF5_WHY_SIZE])
{
    why[0] = '\0';
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, why);
    return why;
}
