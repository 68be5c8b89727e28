#include "pages/html/page.h"

#include <stdarg.h>
#include <string.h>

#include "pages/html/assets.h"
#include "pages/svg/markup.h"
#include "util/sha256.h"

enum { SHA256_SIZE = 32, BASE64_SIZE = 45 };

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Of 32 bytes. */
static void base64(char out[BASE64_SIZE], const unsigned char bytes[SHA256_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < SHA256_SIZE; i += 3) {
        unsigned third = i + 2 < SHA256_SIZE ? bytes[i + 2] : 0;
        unsigned word = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | third;
        for (unsigned shift = 18; shift < 24; shift -= 6) /* 18, 12, 6, 0 */
            out[n++] = digits[word >> shift & 63];
    }
    out[n - 1] = '='; /* the last byte is none */
    out[n] = '\0';
}

/* What the policy calls a style or script that it allows. */
static void write_source(FILE *out, const unsigned char *bytes, size_t length)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE], text[BASE64_SIZE];

    sha256_hex(hex, bytes, length);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        digest[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    base64(text, digest);
    fprintf(out, "'sha256-%s'", text);
}

static void write_sources(FILE *out, const char *directive, const unsigned char *bytes,
                          size_t length, const unsigned char *more, size_t more_length)
{
    fprintf(out, "; %s ", directive);
    write_source(out, bytes, length);
    if (more_length) {
        fputs(" ", out);
        write_source(out, more, more_length);
    }
}

static void write_element(FILE *out, const char *name, const unsigned char *bytes, size_t length)
{
    if (length == 0)
        return;
    fprintf(out, "<%s>", name);
    fwrite(bytes, 1, length, out);
    fprintf(out, "</%s>\n", name);
}

void page_begin_with(FILE *out, const char *maker, const char *title,
                     const struct page_extra *extra)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"generator\" content=\"",
          out);
    markup_text(out, maker);
    fputs("\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'", out);
    write_sources(out, "style-src", page_style, page_style_length, extra->style,
                  extra->style_length);
    write_sources(out, "script-src", page_script, page_script_length, extra->script,
                  extra->script_length);
    fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    markup_text(out, title);
    fputs("</title>\n", out);
    write_element(out, "style", page_style, page_style_length);
    write_element(out, "style", extra->style, extra->style_length);
    fputs("</head>\n<body>\n"
          "<button id=\"theme\" type=\"button\" hidden>Theme: as the system</button>\n<main>\n",
          out);
}

void page_end_with(FILE *out, const struct page_extra *extra)
{
    fputs("</main>\n", out);
    write_element(out, "script", page_script, page_script_length);
    if (extra->licence_length) {
        fputs("<!-- Of what follows:\n", out);
        fwrite(extra->licence, 1, extra->licence_length, out);
        fputs("\n-->\n", out);
    }
    write_element(out, "script", extra->script, extra->script_length);
    fputs("</body>\n</html>\n", out);
}

void page_begin(FILE *out, const char *maker, const char *title)
{
    page_begin_with(out, maker, title, &(struct page_extra){0});
}

void page_end(FILE *out)
{
    page_end_with(out, &(struct page_extra){0});
}

void page_heading(FILE *out, const char *title, const char *below)
{
    fputs("<h1>", out);
    markup_text(out, title);
    fputs("</h1>\n", out);
    if (below) {
        fputs("<p class=\"below\">", out);
        markup_text(out, below);
        fputs("</p>\n", out);
    }
}

void page_verdict_begin(FILE *out, enum page_verdict verdict)
{
    static const char *const classes[] = {
        [PAGE_HELD] = "held", [PAGE_MISSED] = "missed", [PAGE_NEITHER] = "neither"};

    fprintf(out, "<p class=\"verdict %s\">", classes[verdict]);
}

void page_text(FILE *out, const char *tag, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(out, "<%s>", tag);
    markup_text(out, text);
    fprintf(out, "</%s>\n", tag);
}

void page_note(FILE *out, const char *text)
{
    fputs("<p class=\"note\">", out);
    markup_text(out, text);
    fputs("</p>\n", out);
}

void page_figure_begin(FILE *out)
{
    fputs("<div class=\"figure\">\n", out);
}

void page_figure_end(FILE *out)
{
    fputs("</div>\n", out);
}

void page_charts_begin(FILE *out)
{
    fputs("<div class=\"charts\">\n", out);
}

void page_charts_end(FILE *out)
{
    fputs("</div>\n", out);
}

void page_chart_begin(FILE *out, const char *caption)
{
    fputs("<figure>\n", out);
    page_text(out, "figcaption", "%s", caption);
}

void page_chart_end(FILE *out)
{
    fputs("</figure>\n", out);
}
