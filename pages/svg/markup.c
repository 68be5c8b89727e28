#include "pages/svg/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "util/text.h"

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (c < ' ' && c != '\t' && c != '\n') || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

/* What turns the direction of text is shown as its escape, not done; so is it in charts. */
static const char *html_escape(char escape[TEXT_ESCAPE_SIZE], const char *s, size_t n)
{
    if (n == 0)
        return "\xef\xbf\xbd";
    return n == 1 ? entity((unsigned char)*s) : text_escape(escape, s, n);
}

void markup_text(FILE *out, const char *text)
{
    char escape[TEXT_ESCAPE_SIZE];

    for (const char *s = text; s && *s;) {
        size_t n = text_character(s);
        const char *instead = html_escape(escape, s, n);
        if (instead)
            fputs(instead, out);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
}

/* Of a string that is shown. */
enum { JSON_ESCAPE_SIZE = 2 * TEXT_ESCAPE_SIZE };
static const char *json_escape(char out[JSON_ESCAPE_SIZE], const char *s, size_t n)
{
    char escape[TEXT_ESCAPE_SIZE];

    if (n == 0)
        return "\xef\xbf\xbd";
    if (n > 1) {
        const char *instead = text_escape(escape, s, n);
        if (instead)
            snprintf(out, JSON_ESCAPE_SIZE, "\\%s", instead);
        return instead ? out : NULL;
    }
    if (*s >= ' ' && *s != 0x7f && !strchr("<>&\"\\", *s))
        return NULL;
    snprintf(out, JSON_ESCAPE_SIZE, "\\u%04x", (unsigned char)*s);
    return out;
}

void markup_json_string(FILE *out, const char *text)
{
    char escape[JSON_ESCAPE_SIZE];

    fputs("\"", out);
    for (const char *s = text; s && *s;) {
        size_t n = text_character(s);
        const char *instead = json_escape(escape, s, n);
        if (instead)
            fputs(instead, out);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    fputs("\"", out);
}

/* Of a number with a fraction: what says nothing at its end is dropped. */
static void trim_zeros(char *text)
{
    char *end = text + strlen(text);

    if (!strchr(text, '.') || strpbrk(text, "en"))
        return;
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
    if (strcmp(text, "-0") == 0)
        memmove(text, text + 1, 2);
}

const char *markup_number(char out[MARKUP_NUMBER_SIZE], double value)
{
    enum { MOST = 100000 }; /* charts are smaller */

    snprintf(out, MARKUP_NUMBER_SIZE, "%.1f", fmax(-MOST, fmin(MOST, value)));
    trim_zeros(out);
    return out;
}

static const struct {
    double one;
    const char *suffix;
} units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}};

const char *markup_figure(char out[MARKUP_NUMBER_SIZE], double value)
{
    double size = fabs(value);
    char grouped[TEXT_FIGURE_SIZE];

    if (!isfinite(value)) {
        snprintf(out, MARKUP_NUMBER_SIZE, "none");
    } else if (size >= 999.95 && size < 999999.5) {
        snprintf(out, MARKUP_NUMBER_SIZE, "%s%.20s", value < 0 ? "-" : "",
                 text_grouped(grouped, (uint64_t)llround(size)));
    } else if (size >= 1e15 || (size < 1e-4 && size > 0)) {
        snprintf(out, MARKUP_NUMBER_SIZE, "%.3g", value);
    } else if (size >= 999999.5) {
        size_t i = 0;
        while (i + 1 < sizeof units / sizeof *units && size < units[i].one * 0.9999995)
            i++;
        snprintf(out, MARKUP_NUMBER_SIZE, "%.4g%s", value / units[i].one, units[i].suffix);
    } else {
        snprintf(out, MARKUP_NUMBER_SIZE, "%.4g", value);
    }
    return out;
}

const char *markup_value(char out[MARKUP_NUMBER_SIZE], enum svg_scale scale, double value)
{
    if (!isfinite(value) || scale == SVG_LINEAR || scale == SVG_LOG)
        return markup_figure(out, value);
    if (scale == SVG_PERCENT) {
        char figure[MARKUP_NUMBER_SIZE];
        snprintf(out, MARKUP_NUMBER_SIZE, "%.28s %%", markup_figure(figure, value * 100));
        return out;
    }
    if (fabs(value) >= 1e12)
        return markup_figure(out, value);
    int64_t ms = llround(fabs(value) * 1000), s = ms / 1000;
    const char *sign = value < 0 && ms ? "-" : "";
    if (ms % 1000)
        snprintf(out, MARKUP_NUMBER_SIZE, "%s%" PRId64 ":%02d:%06.3f", sign, s / 3600,
                 (int)(s / 60 % 60), (double)(ms % 60000) / 1000);
    else if (s % 60)
        snprintf(out, MARKUP_NUMBER_SIZE, "%s%" PRId64 ":%02d:%02d", sign, s / 3600,
                 (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, MARKUP_NUMBER_SIZE, "%s%" PRId64 ":%02d", sign, s / 3600, (int)(s / 60 % 60));
    return out;
}
