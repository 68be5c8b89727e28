/* SHA-256 (FIPS 180-4), to name what a file held so that others can check it (`sha256sum`). */
#ifndef UTIL_SHA256_H
#define UTIL_SHA256_H

#include <stddef.h>

enum { SHA256_HEX_SIZE = 65 };

/* 64 hexadecimal digits of the bytes' digest. Returns `hex`. */
const char *sha256_hex(char hex[SHA256_HEX_SIZE], const void *bytes, size_t length);

#endif
