#include "pages/html/table.h"

#include <math.h>
#include <string.h>

#include "pages/svg/markup.h"
#include "util/json_out.h"
#include "util/text.h"

enum {
    LONG = 60
}; /* bytes; a text that is longer is broken into lines, which are not to be narrow */

void html_table_begin(FILE *out, const char *caption, const char *const *heads)
{
    fputs("<div class=\"scroll\"><table class=\"sortable\"><caption>", out);
    markup_text(out, caption);
    fputs("</caption>\n<thead><tr>", out);
    for (; *heads; heads++) {
        bool is_number = **heads == '#';
        fputs(is_number ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">", out);
        markup_text(out, *heads + is_number);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void html_table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

void html_row_begin(FILE *out)
{
    fputs("<tr>", out);
}

void html_row_end(FILE *out)
{
    fputs("</tr>\n", out);
}

void html_row_name(FILE *out, const char *text)
{
    fputs("<th scope=\"row\">", out);
    markup_text(out, text);
    fputs("</th>", out);
}

void html_cell(FILE *out, const char *text)
{
    fputs(text && strlen(text) > LONG ? "<td class=\"long\">" : "<td>", out);
    markup_text(out, text ? text : "-");
    fputs("</td>", out);
}

void html_cell_sorted(FILE *out, double value, const char *text)
{
    char number[JSON_NUMBER_SIZE];

    fputs("<td class=\"number\"", out);
    if (isfinite(value)) {
        json_format_double(number, value);
        fprintf(out, " data-value=\"%s\"", number);
    }
    fputs(">", out);
    markup_text(out, text);
    fputs("</td>", out);
}

void html_cell_number(FILE *out, int digits, double value)
{
    char text[TEXT_FIGURE_SIZE];

    html_cell_sorted(out, value, isnan(value) ? "-" : text_number(text, digits, value));
}

void html_cell_change(FILE *out, int digits, double value)
{
    char text[TEXT_FIGURE_SIZE];

    html_cell_sorted(out, value, isnan(value) ? "-" : text_change(text, digits, value));
}
