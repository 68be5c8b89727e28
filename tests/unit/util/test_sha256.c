#include <criterion/criterion.h>
#include <string.h>

#include "util/sha256.h"

/* FIPS 180-4's examples (csrc.nist.gov, SHA256.pdf), and the empty text. */
Test(sha256, published_digests)
{
    static const char *const cases[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    char hex[SHA256_HEX_SIZE];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq(sha256_hex(hex, cases[i][0], strlen(cases[i][0])), cases[i][1]);
}

Test(sha256, a_million_letters)
{
    static char text[1000000];
    char hex[SHA256_HEX_SIZE];

    memset(text, 'a', sizeof text);
    cr_assert_str_eq(sha256_hex(hex, text, sizeof text),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
