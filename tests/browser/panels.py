"""Panels over time: that they are drawn, and what the mouse and the keys do with all of them at once."""
import math

AREA = ".u-over"  # where the lines are


def of(browser):
    """The panels of the page by their id: what they were given."""
    return browser.script("""
        return Object.fromEntries([...document.querySelectorAll(".panel")].map(
            p => [p.id, JSON.parse(p.querySelector("script").textContent)]))""")


def area(browser, panel):
    return browser.element(f"#{panel} {AREA}")


def told(browser, panel):
    return browser.script("return document.querySelector(`#${arguments[0]} .told`).textContent", panel)


def values(browser, panel):
    return browser.script("return [...document.querySelectorAll(`#${arguments[0]} .value`)].map(v => v.textContent)", panel)


def cursor_s(browser, panel):
    """The time that the panel tells of, as its first words; None = it has no cursor."""
    parts = told(browser, panel).split(" ")[0].split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    return 3600 * int(parts[0]) + 60 * int(parts[1]) + int(parts[2])


def number(text):
    text = text.replace(",", "")
    return float(text[:-1]) / 100 if text.endswith("%") else math.nan if text == "\u2013" else float(text)


def drawn(browser, all_panels):
    """Ink of each panel's canvas."""
    ink = browser.script("""
        return [...document.querySelectorAll(".panel canvas")].map(c => {
            const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
            let n = 0;
            for (let i = 3; i < data.length; i += 4) n += data[i] > 100;
            return n; })""")
    return [] if len(ink) == len(all_panels) and min(ink) > 500 else [f"ink of the panels: {ink}"]


def view(browser, panel):
    """From when to when the panel shows: what the cursor tells at its edges."""
    edges = []
    for share in (0.002, 0.998):
        browser.hover(area(browser, panel), share)
        edges.append(cursor_s(browser, panel))
    return edges


def near(edges, expected, tolerance):
    return None not in edges and all(abs(edge - time) <= tolerance for edge, time in zip(edges, expected))


def hovering(browser, all_panels):
    """Values at the cursor are those of the nearest time, in all panels."""
    first = next(iter(all_panels))
    browser.hover(area(browser, first), 0.4)
    faults = []
    times = {panel: cursor_s(browser, panel) for panel in all_panels}
    if None in times.values() or max(times.values()) - min(times.values()) > 1:
        faults.append(f"the cursors are at {times}")
        return faults
    for panel, data in all_panels.items():
        at = min(range(len(data["x"])), key=lambda i: abs(data["x"][i] - times[panel]))
        around = range(max(0, at - 1), min(len(data["x"]), at + 2))  # the cursor tells whole seconds
        for line, text in zip(data["lines"], values(browser, panel)):
            shown = number(text)
            near_by = [abs(line["y"][i]) if "below" in line["style"] else line["y"][i] for i in around]
            if not any(math.isnan(shown) if y is None else abs(y - shown) <= 1e-3 * abs(y) + 1e-3 for y in near_by):
                faults.append(f"{panel}, {line['name']}: {text} at {times[panel]} s, not one of {near_by}")
    return faults


def reasons(browser, all_panels):
    """A decision says why where the cursor is at its line."""
    faults, n = [], 0
    for panel, data in all_panels.items():
        from_s, to_s = data["span"]
        for mark in data["marks"][:2]:
            browser.hover(area(browser, panel), (mark["at"] - from_s) / (to_s - from_s))
            n += 1
            if mark["text"] not in told(browser, panel):
                faults.append(f"{panel}: no word of '{mark['text'][:60]}' at {mark['at']} s: {told(browser, panel)[:80]}")
    return faults if n else ["no decision is marked"]


def same(shown, expected):
    """The page has five digits."""
    return len(shown) == len(expected) and all(
        a == b if a is None or b is None else abs(a - b) <= 1e-4 * abs(b) for a, b in zip(shown, expected))


def zooming(browser, all_panels):
    """Drag in one panel, and all show that part; a double click, or 0, and all show everything."""
    first, *_, last = all_panels
    from_s, to_s = all_panels[first]["span"]
    length = to_s - from_s
    tolerance = 0.01 * length + 1
    part = (from_s + 0.25 * length, from_s + 0.5 * length)
    faults = []

    def expect(what, expected):
        for panel in (first, last):
            if not near(edges := view(browser, panel), expected, tolerance):
                faults.append(f"{what}: {panel} shows {edges}, not {expected}")

    expect("at first", (from_s, to_s))
    browser.drag(area(browser, first), 0.25, 0.5)
    expect("after a drag", part)
    browser.click(area(browser, last), times=2)
    expect("after a double click", (from_s, to_s))
    browser.drag(area(browser, last), 0.25, 0.5)
    expect("after a drag in the last", part)
    browser.script("document.querySelector(`#${arguments[0]} .over-time`).focus()", first)
    browser.press("0")
    expect("after 0", (from_s, to_s))
    return faults


def keys(browser, all_panels):
    """Tab gets to each panel, arrows move its cursor, + and - zoom; no point is beyond the end."""
    faults = [f"{panel}: a point at {data['x'][-1]} s, after {data['span']}" for panel, data in all_panels.items()
              if data["x"][-1] > data["span"][1]]
    browser.hover(browser.element("h1"))
    for panel, data in all_panels.items():
        browser.script("""
            const all = [...document.querySelectorAll("button, a[href], summary, [tabindex='0']")];
            const at = all.indexOf(document.querySelector(`#${arguments[0]} .over-time`));
            all[at - 1].focus();""", panel)
        browser.press("Tab")
        if not browser.script("return document.activeElement.matches(`#${arguments[0]} .over-time`)", panel):
            faults.append(f"Tab does not get to {panel}")
            continue
        browser.rest()
        seen = []
        for key in ("Home", "Right", "Right", "Left", "End"):
            browser.press(key)
            seen.append(cursor_s(browser, panel))
        x = [at for at in data["x"] if at <= data["span"][1]]
        expected = [x[0], x[1], x[2], x[1], x[-1]]
        if not near(seen, expected, 1):
            faults.append(f"{panel}: keys move the cursor to {seen}, not {expected}")
    browser.press("Home")
    browser.press("+")
    if (zoomed := view(browser, panel)) and not (zoomed[1] or 0) < 0.9 * data["span"][1]:
        faults.append(f"+ does not zoom: {zoomed}")
    browser.press("0")
    return faults


def hiding(browser, all_panels):
    """A line goes where its name is pressed, and comes back."""
    button, canvas = browser.element(".panel .lines button"), "return document.querySelector('.panel canvas').toDataURL()"
    browser.hover(browser.element("h1"))
    browser.settle()
    before = browser.script(canvas)
    states = []
    for _ in range(2):
        browser.click(button)
        browser.settle()
        states.append((browser.script("return arguments[0].getAttribute('aria-pressed')", button),
                       browser.script(canvas) == before))
    return [] if states == [("false", False), ("true", True)] else [f"a line is hidden and shown as {states}"]


def recoloured(browser, all_panels):
    """Panels have the colours of the theme."""
    pictures = {}
    for theme in ("light", "dark"):
        browser.media("", prefers_color_scheme=theme)
        browser.settle()
        pictures[theme] = browser.script("return [...document.querySelectorAll('.panel canvas')].map(c => c.toDataURL())")
    browser.media()
    same = [i for i, (light, dark) in enumerate(zip(*pictures.values())) if light == dark]
    return [f"panels {same} have the same colours in the light and in the dark"] if same else []


def check(browser, marked=True):
    all_panels = of(browser)
    if not all_panels:
        return ["there are no panels"]
    faults = []
    for one in (drawn, hovering, *([reasons] if marked else []), zooming, keys, hiding, recoloured):
        faults += one(browser, all_panels)
    return faults
