/* One line of a table, put together by hand: printf would cost more than the simulation of the
 * request. */
#ifndef REPORTS_ROW_H
#define REPORTS_ROW_H

#include <stddef.h>
#include <stdint.h>

enum { ROW_SIZE = 4096 }; /* 140 of the longest fields */

/* The zero value is an empty line. */
struct row {
    size_t n;
    char text[ROW_SIZE];
};

void row_text(struct row *r, const char *s, size_t n);
#define ROW_LITERAL(row, literal) row_text((row), "" literal, sizeof(literal) - 1)
void row_int(struct row *r, int64_t v);
/* v / 10^6 with as many decimals as it has. */
void row_millionths(struct row *r, int64_t v);
/* A time or duration in ms; nothing when ns < 0. */
void row_ms(struct row *r, int64_t ns);
/* A time or duration in us, with as many decimals as it has; ns >= 0. */
void row_us(struct row *r, int64_t ns);
/* To the nearest millionth; nothing for NaN and infinities. */
void row_double(struct row *r, double v);
/* What whoever reads that back has: NaN for nothing. */
double row_double_rounded(double v);

#endif
