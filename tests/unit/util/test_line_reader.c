#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "util/line_reader.h"
#include "util/pcg.h"

static struct diag d;

static struct line_reader *over(const void *bytes, size_t length)
{
    struct line_reader *r;
    diag_init(&d);
    cr_assert_eq(line_reader_open_memory(&r, "memory", bytes, length, &d), ST_OK, "%s", d.text);
    return r;
}

/* All lines joined with '|'. */
static char *lines_of(struct line_reader *r)
{
    char *all = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&all, &size);
    const char *line;
    size_t length;
    enum status s;
    while ((s = line_reader_next(r, &line, &length, &d)) == ST_OK) {
        cr_assert_eq(line[length], '\n');
        fwrite(line, 1, length, out);
        fputc('|', out);
    }
    fclose(out);
    cr_assert_eq(s, ST_END, "%s", d.text);
    cr_assert_eq(line_reader_next(r, &line, &length, &d), ST_END, "again");
    line_reader_close(r);
    return all;
}

static void check(const char *text, const char *expected)
{
    char *lines = lines_of(over(text, strlen(text)));
    cr_assert_str_eq(lines, expected, "%s", text);
    free(lines);
}

static unsigned char *zipped(const void *bytes, size_t length, size_t *zipped_length)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)length};
    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, length);
    unsigned char *out = malloc(room);
    z.next_out = out;
    z.avail_out = (uInt)room;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    *zipped_length = z.total_out;
    deflateEnd(&z);
    return out;
}

Test(line_reader, ends_of_line)
{
    check("", "");
    check("\n", "|");
    check("a", "a|");
    check("a\n", "a|");
    check("a\nb", "a|b|");
    check("a\r\nb\r\n", "a|b|");
    check("a\n\nb\n", "a||b|");
    check("a\rb\n", "a\rb|");
    check("a\r\r\n", "a\r|");
    check("\r", "|");
}

Test(line_reader, a_byte_order_mark_is_skipped_at_the_start_only)
{
    check("\xEF\xBB\xBF"
          "a\n\xEF\xBB\xBF"
          "b\n",
          "a|\xEF\xBB\xBF"
          "b|");
    check("\xEF\xBB\xBF", "|");
    check("\xEF\xBB", "\xEF\xBB|");
}

Test(line_reader, one_byte_files_are_plain)
{
    check("\x1F", "\x1F|");
    check("\x1F\n", "\x1F|");
}

/* Lines of 0 to 5000 bytes, and some longer than the buffer. */
static char *long_text(size_t *length)
{
    struct pcg64 rng;
    char *text = malloc(6000000), *p = text;
    pcg64_seed(&rng, 5, 5);
    for (int i = 0; i < 700; i++) {
        size_t n = i % 300 == 299 ? 700000 : pcg64_below(&rng, 5001);
        for (size_t k = 0; k < n; k++)
            *p++ = (char)('a' + pcg64_below(&rng, 26));
        *p++ = '\n';
    }
    *length = (size_t)(p - text);
    return text;
}

static void check_same(struct line_reader *r, const char *text, size_t length)
{
    const char *line;
    size_t n;
    unsigned long number = 0;
    double progress = 0;
    for (const char *p = text; p < text + length; p += n + 1) {
        cr_assert_eq(line_reader_next(r, &line, &n, &d), ST_OK, "%s", d.text);
        const char *end = memchr(p, '\n', (size_t)(text + length - p));
        cr_assert_eq(n, (size_t)(end - p));
        cr_assert_eq(memcmp(line, p, n), 0);
        cr_assert_eq(line_reader_pos(r).line, ++number);
        cr_assert_geq(line_reader_progress(r), progress);
        progress = line_reader_progress(r);
        cr_assert_leq(progress, 1);
    }
    cr_assert_eq(line_reader_next(r, &line, &n, &d), ST_END);
    cr_assert_eq(line_reader_progress(r), 1);
    line_reader_close(r);
}

Test(line_reader, lines_of_any_length_plain_and_gzip)
{
    size_t length, zipped_length;
    char *text = long_text(&length);
    unsigned char *gz = zipped(text, length, &zipped_length);
    check_same(over(text, length), text, length);
    check_same(over(gz, zipped_length), text, length);
    free(gz);
    free(text);
}

Test(line_reader, gzip_members_follow_one_another)
{
    size_t a_length, b_length;
    unsigned char *a = zipped("one\ntw", 6, &a_length), *b = zipped("o\nthree\n", 8, &b_length);
    unsigned char *both = malloc(a_length + b_length);
    memcpy(both, a, a_length);
    memcpy(both + a_length, b, b_length);
    char *lines = lines_of(over(both, a_length + b_length));
    cr_assert_str_eq(lines, "one|two|three|");
    free(lines);
    free(a);
    free(b);
    free(both);
}

static void check_damage(const void *bytes, size_t length, const char *message)
{
    struct line_reader *r = over(bytes, length);
    const char *line;
    size_t n;
    enum status s;
    while ((s = line_reader_next(r, &line, &n, &d)) == ST_OK)
        ;
    cr_assert_eq(s, ST_INPUT);
    cr_assert_str_eq(d.text, message);
    line_reader_close(r);
}

Test(line_reader, gzip_cut_anywhere_is_truncated)
{
    size_t length;
    unsigned char *gz = zipped("one\ntwo\nthree\n", 14, &length);
    for (size_t n = 2; n < length; n++)
        check_damage(gz, n, "memory: gzip data ends early (truncated file?)");
    free(gz);
}

Test(line_reader, damaged_gzip_is_told_from_truncated)
{
    size_t length;
    unsigned char *gz = zipped("one\ntwo\nthree\n", 14, &length);
    gz[length - 8] ^= 1;
    check_damage(gz, length, "memory: corrupt gzip data (incorrect data check)");
    gz[length - 8] ^= 1;
    gz[length - 4] ^= 1;
    check_damage(gz, length, "memory: corrupt gzip data (incorrect length check)");
    gz[length - 4] ^= 1;
    gz[10] = 0xFF;
    check_damage(gz, length, "memory: corrupt gzip data (invalid block type)");
    free(gz);
}

Test(line_reader, bytes_after_gzip_data_are_an_error)
{
    size_t length;
    unsigned char *gz = zipped("one\n", 4, &length);
    gz = realloc(gz, length + 4);
    memcpy(gz + length, "oops", 4);
    check_damage(gz, length + 4, "memory: corrupt gzip data (incorrect header check)");
    free(gz);
}

Test(line_reader, an_empty_gzip_file_has_no_lines)
{
    size_t length;
    unsigned char *gz = zipped("", 0, &length);
    char *lines = lines_of(over(gz, length));
    cr_assert_str_eq(lines, "");
    free(lines);
    free(gz);
}

Test(line_reader, no_such_file)
{
    struct line_reader *r;
    diag_init(&d);
    cr_assert_eq(line_reader_open(&r, "/nonexistent/trace.jsonl", &d), ST_IO);
    cr_assert_null(r);
    cr_assert_str_eq(d.text, "/nonexistent/trace.jsonl: cannot open: No such file or directory");
}

Test(line_reader, a_directory_is_not_a_file)
{
    struct line_reader *r;
    diag_init(&d);
    cr_assert_eq(line_reader_open(&r, "/tmp", &d), ST_IO);
    cr_assert_null(r);
    cr_assert_str_eq(d.text, "/tmp: cannot read: Is a directory");
}

Test(line_reader, a_pipe_works_and_has_no_progress)
{
    int ends[2];
    char path[64];
    struct line_reader *r;
    const char *line;
    size_t length;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "a", 1), 1);
    cr_assert_eq(write(ends[1], "b\nc", 3), 3);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    diag_init(&d);
    cr_assert_eq(line_reader_open(&r, path, &d), ST_OK, "%s", d.text);
    cr_assert_eq(line_reader_next(r, &line, &length, &d), ST_OK);
    cr_assert(length == 2 && memcmp(line, "ab", 2) == 0);
    cr_assert_eq(line_reader_progress(r), 0);
    cr_assert_eq(line_reader_next(r, &line, &length, &d), ST_OK);
    cr_assert_eq(line_reader_next(r, &line, &length, &d), ST_END);
    line_reader_close(r);
    close(ends[0]);
}

Test(line_reader, closing_nothing_is_allowed)
{
    line_reader_close(NULL);
}
