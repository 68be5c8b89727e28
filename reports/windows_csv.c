#include "reports/windows_csv.h"

#include <stdlib.h>
#include <string.h>

#include "reports/row.h"

const char *windows_csv_name(char name[WINDOWS_CSV_NAME_SIZE], const char *pool,
                             enum windows_csv_figure figure)
{
    static const char *const figures[N_WINDOW_FIGURES] = {"ready", "demand", "short", "idle",
                                                          "left"};

    snprintf(name, WINDOWS_CSV_NAME_SIZE, "capacity_%.31s_%s_worker_s", pool, figures[figure]);
    return name;
}

void windows_csv_header(FILE *out, const struct windows_csv *w)
{
    char name[WINDOWS_CSV_NAME_SIZE];

    fprintf(out, "%sfrom_ms,to_ms,offered,good", w->info->deployment ? "deployment," : "");
    for (int c = 0; w->causes && c < N_CAUSES; c++)
        fprintf(out, ",missed_%s", cause_name((enum cause)c));
    for (size_t p = 0; w->capacity && p < w->n_pools; p++) {
        for (int f = 0; f < N_WINDOW_FIGURES; f++)
            fprintf(out, ",%s", windows_csv_name(name, w->pools[p], (enum windows_csv_figure)f));
    }
    fputs("\n", out);
}

static void add_capacity(struct row *row, const struct windows_csv *w, size_t i)
{
    for (size_t p = 0; p < w->n_pools; p++) {
        if (w->pool_at[p] == SIZE_MAX) {
            for (int f = 0; f < N_WINDOW_FIGURES; f++)
                ROW_LITERAL(row, ",");
            continue;
        }
        const struct capacity_window at = capacity_window(w->capacity, w->pool_at[p], i);
        const double figures[N_WINDOW_FIGURES] = {[WINDOW_READY] = at.ready,
                                                  [WINDOW_DEMAND] = at.demand,
                                                  [WINDOW_SHORT] = at.short_of,
                                                  [WINDOW_IDLE] = at.idle,
                                                  [WINDOW_LEFT] = at.left};
        for (int f = 0; f < N_WINDOW_FIGURES; f++) {
            ROW_LITERAL(row, ",");
            row_double(row, figures[f]);
        }
    }
}

static void write_row(FILE *out, const struct windows_csv *w, size_t i, const uint32_t *missed)
{
    static const struct window_arrivals none;
    const struct window_arrivals *a = i < w->windows->n_arrivals ? &w->windows->arrivals[i] : &none;
    int64_t from_ns = w->info->measured_from_ns + (int64_t)i * w->info->window_ns;
    struct row row = {0};

    if (w->info->deployment) {
        row_text(&row, w->info->deployment, strlen(w->info->deployment));
        ROW_LITERAL(&row, ",");
    }
    row_ms(&row, from_ns);
    ROW_LITERAL(&row, ",");
    row_ms(&row, from_ns + w->info->window_ns);
    ROW_LITERAL(&row, ",");
    row_int(&row, (int64_t)a->n_offered);
    ROW_LITERAL(&row, ",");
    row_int(&row, (int64_t)a->n_good);
    for (int c = 0; w->causes && c < N_CAUSES; c++) {
        ROW_LITERAL(&row, ",");
        row_int(&row, missed[c]);
    }
    if (w->capacity)
        add_capacity(&row, w, i);
    ROW_LITERAL(&row, "\n");
    fwrite(row.text, 1, row.n, out);
}

static void count_missed(uint32_t *missed, size_t n, const struct windows_csv *w)
{
    for (size_t i = 0; w->causes && i < causes_n_missed(w->causes); i++) {
        const struct cause_verdict v = causes_missed(w->causes, i);
        size_t at = (size_t)((v.arrival_ns - w->info->measured_from_ns) / w->info->window_ns);
        if (at < n)
            missed[at * N_CAUSES + v.cause]++;
    }
}

enum status windows_csv_write(FILE *out, const struct windows_csv *w, struct diag *d)
{
    size_t n = w->capacity ? w->n_windows : w->windows->n_arrivals;
    uint32_t *missed = calloc(n + 1, N_CAUSES * sizeof *missed);

    if (!missed)
        return diag_nomem(d, "windows");
    count_missed(missed, n, w);
    for (size_t i = 0; i < n; i++)
        write_row(out, w, i, missed + i * N_CAUSES);
    free(missed);
    return ST_OK;
}
