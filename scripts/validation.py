"""What the scripts that write docs/validation.md and other pages of figures share."""
import csv
import datetime
import gzip
import pathlib
import random
import statistics
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
PAGE = PROJECT / "docs/validation.md"


def call(program, *words):
    """Run `program`; an error ends the script."""
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"headroom {' '.join(words)}: {done.stderr.strip()}")


def read_rows(path):
    with (gzip.open(path, "rt") if path.suffix == ".gz" else open(path)) as lines:
        return list(csv.DictReader(lines))


def sweep_rows(program, scenario, out, *words):
    """The rows of `headroom sweep`, as text; a run that failed ends the script."""
    call(program, "sweep", scenario, *words, "--out", str(out), "--quiet", "--yes")
    rows = read_rows(pathlib.Path(out) / "results.csv")
    for row in rows:
        if row["status"] != "ok":
            sys.exit(f"run {row['index']}: {row['status']}")
    return rows


def mean_interval(values, n_draws=4000):
    """Mean and its 95 % interval, by the percentile bootstrap; always the same for the same values."""
    draw = random.Random(1)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(n_draws))
    return statistics.fmean(values), means[n_draws // 40], means[-1 - n_draws // 40]


def table(header, rows):
    """As Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def page_with(script, text, page=PAGE):
    """A page, docs/validation.md if not said, with this text as the tables of this script."""
    begin, end = (f"<!-- tables of scripts/{script}: {edge} -->" for edge in ("begin", "end"))
    head, rest = page.read_text().split(begin)
    return head + begin + "\n" + text + "\n" + end + rest.split(end)[1]


def azure_rows(source, trace_block_tok=512):
    """As Mooncake rows: whole ms since the first row, and nothing shared."""
    first, next_id = None, 0
    for row in read_rows(source):
        second, fraction = row["TIMESTAMP"].split(".")
        at = int(datetime.datetime.fromisoformat(second + "+00:00").timestamp()) * 10**7 + int(fraction.ljust(7, "0"))
        first = at if first is None else first
        isl_tok = int(row["ContextTokens"])
        n_ids = -(-isl_tok // trace_block_tok)
        yield {"timestamp": round((at - first) / 10**4), "input_length": isl_tok,
               "output_length": int(row["GeneratedTokens"]), "hash_ids": list(range(next_id, next_id + n_ids))}
        next_id += n_ids
