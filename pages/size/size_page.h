/* The page of a size: what to buy, how sure, and what would change it. */
#ifndef PAGES_SIZE_SIZE_PAGE_H
#define PAGES_SIZE_SIZE_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "util/status.h"

/* Of the text that size_write_json writes, and of a file with it; the name is for messages.
 * ST_INPUT: it is none. ST_IO, ST_NOMEM. */
enum status size_page_write_text(const char *name, const char *json, size_t n, FILE *out,
                                 struct diag *d);
enum status size_page_write(const char *path, FILE *out, struct diag *d);

#endif
