"""What the scripts that write docs/validation.md share."""
import csv
import gzip
import pathlib
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


def table(header, rows):
    """As Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def page_with(script, text):
    """docs/validation.md with this text as the tables of this script."""
    begin, end = (f"<!-- tables of scripts/{script}: {edge} -->" for edge in ("begin", "end"))
    head, rest = PAGE.read_text().split(begin)
    return head + begin + "\n" + text + "\n" + end + rest.split(end)[1]
