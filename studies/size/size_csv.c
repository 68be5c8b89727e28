#include <inttypes.h>
#include <string.h>

#include "scenarios/keys/scenario.h"
#include "studies/csv.h"
#include "studies/size/size_columns.h"

static const char *const outcome_names[] = {[SIZE_REACHED] = "reached",
                                            [SIZE_UNREACHABLE] = "unreachable",
                                            [SIZE_BOUNDED] = "bounded",
                                            [SIZE_LEFT_OUT] = "left_out"};

enum { N_ROLES = sizeof pool_role_names / sizeof *pool_role_names };

static void write_pools(const struct size_choice *c, const int64_t *n, FILE *out)
{
    for (size_t role = 0; role < N_ROLES; role++) {
        if (role)
            putc(',', out);
        for (size_t i = 0; n && i < c->n_pools; i++) {
            if (strcmp(c->pools[i], pool_role_names[role]) == 0)
                fprintf(out, "%" PRId64, n[i]);
        }
    }
}

static void write_cell(const struct size_column *column, const struct size_choice *c, FILE *out)
{
    const void *value = size_column_value(column, c);

    if (!value) {
        if (column->type == SIZE_COLUMN_POOLS)
            write_pools(c, NULL, out);
        return;
    }
    switch (column->type) {
    case SIZE_COLUMN_TEXT:
        csv_write_text(out, *(const char *const *)value);
        break;
    case SIZE_COLUMN_INTEGER:
        fprintf(out, "%" PRId64, *(const int64_t *)value);
        break;
    case SIZE_COLUMN_NUMBER:
        csv_write_number(out, *(const double *)value);
        break;
    case SIZE_COLUMN_FLAG:
        fputs(*(const bool *)value ? "true" : "false", out);
        break;
    case SIZE_COLUMN_TOPOLOGY:
        csv_write_text(out, size_topology_names[*(const enum size_topology *)value]);
        break;
    case SIZE_COLUMN_POOLS:
        write_pools(c, value, out);
        break;
    }
}

static void write_head(FILE *out)
{
    fputs("target,currency,outcome", out);
    for (const struct size_column *column = size_columns; column->name; column++) {
        const char *group = column->group ? column->group : "", *between = *group ? "_" : "";
        bool pools = column->type == SIZE_COLUMN_POOLS;
        for (size_t role = 0; role < (pools ? N_ROLES : 1); role++)
            fprintf(out, ",%s%s%s%s%s", group, between, column->name, pools ? "_" : "",
                    pools ? pool_role_names[role] : "");
    }
    putc('\n', out);
}

void size_write_csv(const struct size_result *r, FILE *out)
{
    write_head(out);
    for (size_t i = 0; i < r->n; i++) {
        csv_write_text(out, r->options->target->text);
        putc(',', out);
        csv_write_text(out, r->options->currency);
        fprintf(out, ",%s", outcome_names[size_outcome_of(r->choices[i])]);
        for (const struct size_column *column = size_columns; column->name; column++) {
            putc(',', out);
            write_cell(column, r->choices[i], out);
        }
        putc('\n', out);
    }
}
