"""What holds for every page that the program writes, whatever is in it; see also audit.js."""
import pathlib
import re
import zlib

FINDERS = pathlib.Path(__file__).with_name("audit.js").read_text()
MOST_BYTES = 600_000
LEAST_CONTRAST = 4.5  # WCAG 2, level AA
LEAST_TEXT = 9  # pixels
CHARTS = "svg, canvas, [role=img]"
WIDTHS = (500, 1400)
PRINTED_WIDTH = 718  # A4 less margins of 1 cm, at 96 dots per inch


def find(browser, *finders):
    return browser.script(FINDERS, [[finder] if isinstance(finder, str) else list(finder) for finder in finders])


def opening(browser, page):
    """Errors, and requests other than of the file itself; the network is off."""
    browser.offline(True)
    browser.open(page)
    faults = browser.script("return pageFaults")
    faults += [entry["message"] for entry in browser.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    faults += [f"asked for {url[:80]}" for url in browser.requests()
               if url.split("#")[0] != browser.url(page) and not url.startswith(("data:", "blob:"))]
    return faults


def bytes_of(page):
    size = page.stat().st_size
    text = page.read_text(encoding="utf-8")  # it is UTF-8
    faults = [f"{size} bytes, more than {MOST_BYTES}"] if size > MOST_BYTES else []
    for address in re.findall(r"""<(?:script|link|img|iframe|source|use|image)\b[^>]*?(?:src|href)\s*=\s*["']?([^"'> ]+)""", text):
        if not address.startswith(("#", "data:")):
            faults.append(f"refers to {address}")
    return faults


def names(browser):
    """What one can do or look at has a name for those who do not see it."""
    faults = []
    for element in browser.elements("button, input, select, summary, a[href], [tabindex]"):
        if browser.script("return arguments[0].checkVisibility()", element) and not browser.name(element).strip():
            faults.append(f"no name: {outer(browser, element)}")
    for element in browser.elements(CHARTS):
        if browser.script("return arguments[0].parentElement.closest('[role=img], [role=application], svg') !== null "
                          "|| arguments[0].closest('[aria-hidden=true]') !== null || !arguments[0].checkVisibility()", element):
            continue  # a part of one that has a name, or decoration
        if not browser.name(element).strip():
            faults.append(f"a chart without a name: {outer(browser, element)}")
    return faults


def outer(browser, element):
    return browser.script("return arguments[0].outerHTML.slice(0, 120)", element)


def keyboard(browser):
    """Tab reaches all that can be used, and what has the focus is seen."""
    browser.script("document.activeElement.blur(); scrollTo(0, 0);")
    wanted = browser.script("""
        return [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
            .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0).length""")
    seen, faults = [], []
    for _ in range(wanted + 2):
        browser.press("Tab")
        state = browser.script("""
            const e = document.activeElement, s = getComputedStyle(e);
            if (e === document.body) return null;
            window.focused = window.focused || [];
            let at = focused.indexOf(e);
            if (at < 0) at = focused.push(e) - 1;
            return [at, (s.outlineStyle !== "none" && s.outlineWidth !== "0px") || s.boxShadow !== "none",
                    e.outerHTML.slice(0, 80)]""")
        if state is None or state[0] in seen:
            break
        seen.append(state[0])
        if not state[1]:
            faults.append(f"one does not see that it has the focus: {state[2]}")
    if len(seen) < wanted:
        faults.append(f"Tab reaches {len(seen)} of {wanted}")
    return faults


def printing(browser):
    """On paper there is all that is on the screen, and the paper ends."""
    browser.media("print")
    browser.resize(PRINTED_WIDTH)
    faults = [f"in print: {fault}" for fault in find(browser, "overflow", ("lowContrast", LEAST_CONTRAST))]
    faults += [f"in print, not there: {text}" for text in browser.script("""
        return [...document.querySelectorAll("h1, h2, h3, table, svg, canvas")]
            .filter(e => !e.checkVisibility() && !e.closest("[aria-hidden=true], .screen-only, details"))
            .map(e => e.outerHTML.slice(0, 100))""")]
    browser.media()
    browser.script("""
        window.folded = 0;
        addEventListener("beforeprint", () => { folded = document.querySelectorAll("details:not([open])").length; });""")
    pages = pdf_pages(browser.pdf())
    if folded := browser.script("return folded"):
        faults.append(f"in print, {folded} parts are folded away")
    if not 1 <= pages <= 40:
        faults.append(f"{pages} pages in print")
    return faults


def pdf_pages(pdf):
    if not pdf.startswith(b"%PDF-"):
        return 0
    objects = [pdf]
    for stream in re.findall(rb"/ObjStm\b.*?stream\r?\n(.*?)endstream", pdf, re.S):
        objects.append(zlib.decompress(stream))
    return sum(len(re.findall(rb"/Type\s*/Page\b", part)) for part in objects)


def looks(browser, theme, picture):
    """With the colours of a theme, at both widths; the pictures are for people."""
    faults = []
    browser.media("", prefers_color_scheme=theme)
    for width in WIDTHS:
        browser.resize(width)
        faults += [f"{theme}, {width} px: {fault}" for fault in
                   find(browser, ("lowContrast", LEAST_CONTRAST), ("smallText", LEAST_TEXT), "overflow", "labels",
                        *(["hidden"] if width == WIDTHS[-1] else []))]
        if picture:
            browser.screenshot(picture.with_name(f"{picture.name}-{theme}-{width}.png"))
    return faults


def audit(browser, page, picture=None):
    """All that is found; `picture` is a path without an ending."""
    faults = bytes_of(browser.folder / page)
    browser.resize(WIDTHS[-1])
    browser.media("", prefers_color_scheme="light")
    faults += opening(browser, page)
    faults += find(browser, "csp", "structure", "leftovers")
    faults += names(browser)
    for theme in ("light", "dark"):
        faults += looks(browser, theme, picture)
    browser.media()
    faults += keyboard(browser)
    faults += printing(browser)
    browser.resize(WIDTHS[-1])
    return faults
