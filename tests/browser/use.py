"""What a person does with any page: reads names, switches colours, sorts tables."""
import math

from written import SHOWN


def names(browser, expected=True):
    """A name from outside is text, and nothing else."""
    state = browser.script("""
        const name = arguments[0];
        return [document.querySelectorAll("x-harm, [x-harm]").length,
                [...document.querySelectorAll("*")].some(e => !e.matches("script, style") && [...e.childNodes].some(
                    n => n.nodeType === Node.TEXT_NODE && n.data.includes(name))),
                document.body.innerHTML.includes("\\uFFFD")]""", SHOWN)
    faults = ["a name became an element"] if state[0] else []
    if expected and not state[1]:
        faults.append("a name is not shown, escaped")
    if state[2]:
        faults.append("a character was lost")
    return faults


def colours(browser):
    return browser.script("const s = getComputedStyle(document.body); return s.backgroundColor + s.color")


def theme(browser, page):
    """The switch wins over the system, and is remembered."""
    faults = []
    browser.media("", prefers_color_scheme="light")
    browser.open(page)
    light = colours(browser)
    browser.media("", prefers_color_scheme="dark")
    if (dark := colours(browser)) == light:
        faults.append("the colours are not those of the system")
    button = browser.element("#theme")
    browser.click(button)  # light
    if colours(browser) != light:
        faults.append("the switch does not make it light")
    browser.open(page)
    if colours(browser) != light:
        faults.append("the theme is not remembered")
    browser.media("", prefers_color_scheme="light")
    browser.click(browser.element("#theme"))  # dark
    if colours(browser) != dark:
        faults.append("the switch does not make it dark")
    browser.click(browser.element("#theme"))
    if colours(browser) != light:
        faults.append("the switch does not go back to the system")
    browser.media()
    return faults


def rows(browser, table):
    return browser.script("""return [...arguments[0].tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))""", table)


def number(text):
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return math.inf


def sorting(browser):
    """Each head sorts its table: up, then down; nothing is lost."""
    faults, n = [], 0
    for table in browser.elements("table.sortable"):
        if not browser.script("return arguments[0].checkVisibility()", table):
            continue
        before = rows(browser, table)
        for column, button in enumerate(browser.script(
                "return [...arguments[0].tHead.rows[0].cells].map(c => c.querySelector('button'))", table)):
            if button is None or n > 12:
                continue
            n += 1
            is_number = browser.script("return arguments[0].closest('th').classList.contains('number')", button)
            for direction in ("ascending", "descending"):
                browser.click(button)
                after = rows(browser, table)
                if sorted(after) != sorted(before):
                    faults.append("rows are lost by sorting")
                if browser.script("return arguments[0].closest('th').getAttribute('aria-sort')", button) != direction:
                    faults.append(f"it does not say that it is {direction}")
                column_now = [number(row[column]) for row in after]
                finite = [value for value in column_now if math.isfinite(value)]
                if is_number and finite != sorted(finite, reverse=direction == "descending"):
                    faults.append(f"not {direction}: {column_now}")
    return faults if n else ["no table sorts"]


# ---- what charts show ----

def curves(browser, chart):
    """Of the lines of a chart of SVG: their names, and their points in its picture."""
    return browser.script(r"""
        return [...document.querySelectorAll("#" + arguments[0] + " path.curve:has(title)")].map(p => [
            p.querySelector("title").textContent,
            [...p.getAttribute("d").matchAll(/([-\d.]+),([-\d.]+)/g)].map(m => [Number(m[1]), Number(m[2])])])""", chart)


def same_course(points, values):
    """Is a line in a picture the course of these values, up to its scale? Pictures are rounded to a tenth of a pixel."""
    values = [value for value in values if value is not None and not math.isnan(value)]
    if len(points) != len(values):
        return f"{len(points)} points, not {len(values)}"
    heights = [-y for _, y in points]
    low, high = min(values), max(values)
    at_low, at_high = heights[values.index(low)], heights[values.index(high)]
    for value, height in zip(values, heights):
        share = (value - low) / (high - low) if high > low else 0
        if abs(at_low + share * (at_high - at_low) - height) > 0.2:
            return f"{value} is drawn at {height}, between {at_low} for {low} and {at_high} for {high}"
    return None
