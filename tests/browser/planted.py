"""The audit finds what it looks for: a small good page, and the same with one fault each."""
import audit

GOOD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Good</title>
<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #222 }
@media (prefers-color-scheme: dark) { :root { --paper: #111; --ink: #ddd } }
body { background: var(--paper); color: var(--ink) }
svg text { fill: var(--ink) }
button:focus-visible { outline: 2px solid }
</style></head>
<body><h1>Good</h1><h2>Part</h2><p>Some text.</p><button>Theme</button>
<svg role="img" aria-label="A chart" width="300" height="100">
<rect width="300" height="100" fill="#888" fill-opacity="0.1"/><text x="10" y="20">one</text><text x="100" y="20">two</text>
</svg>
<table><tr><th scope="col">a</th></tr><tr><td>1</td></tr></table>
</body></html>
"""
LAX = "a lax Content-Security-Policy"  # of the page above: its style has no hash

# What is replaced, by what, and what is to be found then.
FAULTS = [
    ("<p>", "<script>1</script><p>", "CSP violation"),
    ("<p>", '<img src="x.png"><p>', "refers to x.png"),
    ("<p>", '<img src="https://example.com/x.png"><p>', "CSP violation"),
    ("default-src 'none';", "img-src *;", "asked for https://example.com/x.png"),
    ("default-src 'none';", "", "begins with nothing"),
    (' lang="en"', "", "no language"),
    ("<title>Good</title>", "", "no title"),
    ("<!doctype html>", "", "quirks mode"),
    ("<h2>", "<h4>", "a level of headings is left out"),
    ("<h2>Part</h2>", "<h1>Part</h1>", "2 headings of the first level"),
    ("<p>", '<p id="a"></p><p id="a">', "2 elements have the id 'a'"),
    ("<p>", '<p aria-labelledby="b">', "names 'b', which is not there"),
    ("<p>Some text.", "<p>It is -nan ms.", "left over"),
    ("<p>Some text.", "<p>It is undefined.", "left over"),
    ("<th scope=\"col\">a</th>", "<td>a</td>", "a table without heads"),
    (' aria-label="A chart"', "", "a chart without a name"),
    ("<button>Theme</button>", "<button></button>", "no name: <button>"),
    ("button:focus-visible { outline: 2px solid }", "button:focus { outline: none }", "one does not see that it has the focus"),
    ("<button>", '<button style="display: block" tabindex="0" inert>', "Tab reaches 0 of 1"),
    ("--ink: #222", "--ink: #888", "light, 500 px: contrast 3.5"),
    ("--ink: #ddd", "--ink: #444", "dark, 500 px: contrast"),
    ("fill-opacity=\"0.1\"", "", "contrast"),
    ("<p>", '<p style="width: 800px">', "500 px: the page is"),
    ("<p>", '<div style="overflow: auto"><p style="width: 1500px">', "px in"),
    ('x="100"', 'x="15"', "labels over each other"),
    ('x="100"', 'x="290"', "cut by its chart"),
    ("<svg ", '<svg style="width: 150px" viewBox="0 0 300 100" ', "text of 8"),
    ("<p>", "<details><summary>More</summary>It</details><p>", "parts are folded away"),
    ("</style>", "@media print { table { display: none } }</style>", "in print, not there: <table"),
    ("</style>", "@media print { p { break-after: page; height: 90000px } }</style>", "pages in print"),
    ("</body>", "<!--" + "x" * audit.MOST_BYTES + "--></body>", "bytes, more than"),
]


def check(browser, folder):
    """What the audit misses."""
    page = folder / "planted.html"
    page.write_text(GOOD)
    missed = [f"of the good page: {fault}" for fault in audit.audit(browser, page) if not fault.startswith(LAX)]
    for old, new, expected in FAULTS:
        assert old in GOOD, old
        text = GOOD.replace(old, new)
        if "img-src *" in new:
            text = text.replace("<p>", '<img src="https://example.com/x.png"><p>')
        page.write_text(text)
        found = audit.audit(browser, page)
        if not any(expected in fault for fault in found):
            missed.append(f"{new[:80]}: not found: {expected}; found {found}")
    page.unlink()
    return missed
