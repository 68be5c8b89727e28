/* The lines of a plain or gzip file (told apart by its first two bytes), one after the other.
 *
 * Lines are slices of the reader's buffer: nothing is copied, a line of any length fits, and memory
 * is in proportion to the longest line. Ends of line are LF or CRLF; the last line may have none. A
 * UTF-8 byte order mark at the start of the file is skipped. A gzip file may have several members.
 */
#ifndef UTIL_LINE_READER_H
#define UTIL_LINE_READER_H

#include <stddef.h>

#include "util/status.h"

struct line_reader; /* opaque */

/* Both copy the name, which is for messages. Errors: ST_IO when the file cannot be opened or read
 * (a directory, too), ST_NOMEM. On an error *reader is NULL. */
enum status line_reader_open(struct line_reader **reader, const char *path, struct diag *d);
/* The bytes are borrowed until the reader is closed. */
enum status line_reader_open_memory(struct line_reader **reader, const char *name,
                                    const void *bytes, size_t length, struct diag *d);
void line_reader_close(struct line_reader *reader); /* NULL is allowed */

/* The next line without its end, borrowed until the next call: ST_OK, or ST_END after the last one.
 * (*line)[*length] can be read and is '\n', and there is no other '\n' before it, so a scanner
 * needs no length checks. ST_INPUT when truncated or corrupt gzip data is reached. */
enum status line_reader_next(struct line_reader *reader, const char **line, size_t *length,
                             struct diag *d);

/* Of the line last handed out: the file and the line number, from 1. */
struct source_pos line_reader_pos(const struct line_reader *reader);

/* Share of the (compressed) bytes read, 0 to 1; 0 when the size is not known (a pipe). */
double line_reader_progress(const struct line_reader *reader);

#endif
