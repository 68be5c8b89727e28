/* Numbers and excerpts from slices of text: pointer and length, no '\0' needed, no locale.
 *
 * The decimal forms are those of YAML 1.2's core schema (JSON's are among them): `[-+]digits` for
 * integers; for the others also a fraction and an exponent, with digits before or after the point.
 * Nothing else: no spaces, no hexadecimal, no NaN, no infinity, no digit grouping. */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum text_result {
    TEXT_OK,
    TEXT_NOT_A_NUMBER, /* not of the form; for the integers also `1.5` and `1e3` */
    TEXT_OUT_OF_RANGE, /* of the form, but the type cannot hold it */
};

/* *value is untouched unless the result is TEXT_OK. */
enum text_result text_uint64(const char *s, size_t n, uint64_t *value);
enum text_result text_int64(const char *s, size_t n, int64_t *value);

/* Nearest double, always finite; what is too small becomes 0. Texts of more than TEXT_DOUBLE_MAX
 * bytes are out of range. */
enum { TEXT_DOUBLE_MAX = 500 };
enum text_result text_double(const char *s, size_t n, double *value);

/* The number times 10^decimals as an integer, computed on the decimal digits, so exact; halves
 * round away from zero. `text_fixed("0.0000015", 9, 6, &ns)` gives 2: milliseconds to nanoseconds.
 */
enum text_result text_fixed(const char *s, size_t n, int decimals, int64_t *value);

/* A copy for messages, at most 40 bytes of the text: control bytes become '?', a longer text ends
 * in
 * "...". Returns `out`. */
enum { TEXT_EXCERPT_SIZE = 44 };
const char *text_excerpt(char out[TEXT_EXCERPT_SIZE], const char *s, size_t n);

/* Bytes of the character of UTF-8 that begins here; 0 = none does. */
size_t text_character(const char *s);
/* What is shown instead of such a character of n bytes, as JSON would have it (\u202e; of a byte
 * that is none, \x9b): where it controls a terminal, ends a line, or turns the direction of what
 * follows. NULL: nothing, it is shown as it is. */
enum { TEXT_ESCAPE_SIZE = 8 };
const char *text_escape(char out[TEXT_ESCAPE_SIZE], const char *s, size_t n);

/* Bytes of the first line when a text is broken between words into lines of at most `width`
 * characters of UTF-8; a blank that follows is where it is broken, and in no line. A longer word is
 * cut. */
size_t text_line(const char *text, size_t width);

/* For people: 1234567 as 1,234,567; so many digits of a number, but no exponent where it has more
 * before its point; the same with a sign, as a change has it; seconds as 12.3 s, 4 min 5 s, 6 h 7
 * min, 8 d 9 h. Return `out`. */
enum { TEXT_FIGURE_SIZE = 64 };
const char *text_grouped(char out[TEXT_FIGURE_SIZE], uint64_t value);
const char *text_number(char out[TEXT_FIGURE_SIZE], int digits, double value);
const char *text_change(char out[TEXT_FIGURE_SIZE], int digits, double value);
const char *text_duration(char out[TEXT_FIGURE_SIZE], double seconds);

#endif
