/* NPZ bytes from anywhere, through the reader, the row chooser and the profile's checks.
 * Seeds: the .npz files of tests/data/profiles. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engines/profile/npz.h"
#include "engines/profile/profile_internal.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Checksums would stop nearly every mutation, so those of stored entries are made right. */
static void repair_checksums(uint8_t *data, size_t n)
{
    for (size_t at = 0; at + 46 <= n; at++) {
        uint8_t *p = data + at;
        if (memcmp(p, "PK\1\2", 4) != 0 || p[10] != 0)
            continue;
        size_t size = u32(p + 20), local = u32(p + 42);
        if (local > n || n - local < 30)
            continue;
        size_t begin =
            local + 30 + (u32(data + local + 26) & 0xffff) + (u32(data + local + 26) >> 16);
        if (begin > n || n - begin < size)
            continue;
        uint32_t crc = (uint32_t)crc32(0, data + begin, (uInt)size);
        for (int i = 0; i < 4; i++)
            p[16 + i] = (uint8_t)(crc >> 8 * i);
    }
}

static void load(const uint8_t *data, size_t n, int64_t tp)
{
    struct arena arena;
    struct diag d;
    struct profile profile = {.name = "fuzz", .path = "fuzz"};
    arena_init(&arena);
    diag_init(&d);
    enum status st = npz_read(&profile.file, &arena, "fuzz", data, n, &d);
    const unsigned char *again;
    size_t n_again;
    if (st == ST_OK && npz_write(&profile.file, false, &arena, &again, &n_again, &d) == ST_OK) {
        struct profile_file copy;
        if (npz_read(&copy, &arena, "written", again, n_again, &d) != ST_OK && d.status != ST_NOMEM)
            BUG("%s", d.text);
    }
    if (st == ST_OK)
        st = profile_choose_row(&profile.file, &arena, "fuzz", tp, &d);
    if (st == ST_OK)
        st = profile_view(&profile, &arena, "fuzz", false, &d);
    if (st == ST_OK && (profile.max_kv_tokens < 1 || profile.n_decode < 3))
        BUG("an unusable profile passed");
    if (st != ST_OK && !d.text[0])
        BUG("a failure without a message");
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        return 0;
    if (n)
        memcpy(copy, data, n);
    load(copy, n, 0);
    repair_checksums(copy, n);
    load(copy, n, n ? data[n / 2] : 0);
    free(copy);
    return 0;
}
