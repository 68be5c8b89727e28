"""Each kind of page: how it is written, and that it shows what the program's other files of the same say."""
import csv
import json
import math
import re

import panels
import use


class Page:
    """Written into the folder of a site; `check` gives what is wrong with it, once it is open."""
    name = None

    def write(self, site):
        raise NotImplementedError

    def check(self, browser, site):
        raise NotImplementedError


def wrong(what, fault):
    return [f"{what}: {fault}"] if fault else []


class Compare(Page):
    name = "compare.html"
    windows_of = {"missed": lambda w: w["offered"] - w["good"], "offered": lambda w: w["offered"],
                  "ttft": lambda w: w["ttft_ms"], "tpot": lambda w: w["tpot_ms"]}

    def write(self, site):
        site.run("compare", site.scenario, "--variant", "policy.min_endpoint=1", "--replicates", 4, "--html", self.name,
                 "--json", "compare.json", "-q")

    def windows(self, all_panels, told, prefix=""):
        """Lines over time as the windows of the file."""
        faults = []
        for panel, value in self.windows_of.items():
            lines = all_panels[prefix + panel]["lines"]
            if [line["name"][0] for line in lines] != ["A", "B"]:
                faults.append(f"{panel}: lines {[line['name'] for line in lines]}")
            for side, line in zip(("a", "b"), lines):
                expected = [value(w[side]) for w in told]
                expected.append(expected[-1])  # up to the end
                if not panels.same(line["y"], expected):
                    faults.append(f"{panel} of {side}: {line['y']}, not {expected}")
        return faults

    def check(self, browser, site):
        told = json.loads((site.folder / "compare.json").read_text())
        faults = self.windows(panels.of(browser), told["windows"])
        faults += panels.check(browser, marked=False)
        faults += self.figures(browser, told)
        first = told["first_difference"]
        text = browser.script("return document.body.textContent")
        reasons = browser.script("return [...document.querySelectorAll('.reason')].map(p => p.textContent)")
        for words in (f"at {first['at_s']:.9g} s", first["because"]):
            if words not in text:
                faults.append(f"does not say of the first decision: {words}")
        if reasons != [f"A {first['a']['reason']}", f"B {first['b']['reason']}"]:
            faults.append(f"reasons of the first decision: {reasons}")
        return faults

    @staticmethod
    def figures(browser, told):
        """Bars of what changed, with the verdicts of the file."""
        rows = [use.rows(browser, table) for table in browser.elements("table")][1]
        verdicts = [row[-1] for row in rows]
        expected = [d["verdict"] for d in told["differences"] if d["a"] is not None or d["b"] is not None]
        faults = [] if verdicts == expected else [f"verdicts {verdicts}, not {expected}"]
        bars = browser.script("return document.querySelectorAll('#change-B .area').length")
        moved = sum(1 for d in told["differences"] if d["difference"] and d["a"])
        return faults + ([] if bars == moved else [f"{bars} bars of {moved} figures that changed"])


class CompareTwo(Compare):
    """All deployments of two runs, each with its own panels."""
    name = "compare-two.html"

    def write(self, site):
        site.run("compare", site.two, "--variant", "arbiter.max_gpus=6", "--replicates", 0, "--html", self.name,
                 "--json", "compare-two.json", "-q")

    def check(self, browser, site):
        told = json.loads((site.folder / "compare-two.json").read_text())
        all_panels = panels.of(browser)
        faults = panels.check(browser, marked=False)
        for i, of in enumerate(told["deployments"].values(), 1):
            faults += self.windows(all_panels, of["windows"], f"d{i}-")
        heads = browser.script("return [...document.querySelectorAll('h2')].map(h => h.textContent)")
        expected = [f"B against A: figures, {of}" for of in ("all deployments", *told["deployments"])]
        return faults + ([] if heads[:3] == expected else [f"headings {heads}"])


class Check(Page):
    name = "check.html"

    def write(self, site):
        site.run("check", site.scenario, "--baseline", "base.txt", "--update", "-q", status=1)
        site.run("check", site.scenario, "--baseline", "base.txt", "--set", "pools.prefill.replicas=2", "--set",
                 "pools.decode.replicas=3", "--html", self.name, "--code-quality", "misses.json", "-q", status=1)

    def check(self, browser, site):
        missed = json.loads((site.folder / "misses.json").read_text())
        tables = [use.rows(browser, table) for table in browser.elements("table")]
        faults = [] if len(tables[0]) == len(missed) else [f"{len(tables[0])} misses, not {len(missed)}"]
        for row, miss in zip(tables[0], missed):
            if row[1] not in miss["description"] or not row[3].endswith(f":{miss['location']['lines']['begin']}"):
                faults.append(f"a miss is told as {row}, not {miss}")
        bars = browser.script("return document.querySelectorAll('#moves-1 .area').length")
        if bars != len(tables[2]) or bars < 2:
            faults.append(f"{bars} bars of {len(tables[2])} figures that moved")
        intervals = browser.script("return document.querySelectorAll('#moves-1 .interval').length")
        if intervals != 3:  # a line and its two feet, of the one that is statistical
            faults.append(f"{intervals} lines of intervals")
        return faults


class Plan(Page):
    name = "plan.html"

    def write(self, site):
        site.run("plan", site.scenario, "--html", self.name, "--format", "csv", "-o", "plan.csv")

    def check(self, browser, site):
        rows = list(csv.DictReader((site.folder / "plan.csv").open()))
        all_panels, faults = panels.of(browser), []

        def expect(panel, names, *columns):
            lines = all_panels[panel]["lines"]
            if [line["name"] for line in lines] != names:
                faults.append(f"{panel}: lines {[line['name'] for line in lines]}")
            for line, column in zip(lines, columns):
                told = [float(row[column]) if row[column] else None for row in rows]
                if not panels.same(line["y"], told + told[-1:]):  # up to the end
                    faults.append(f"{panel}, {line['name']}: {line['y']}, not {told}")

        for series in ("n_requests", "isl_tok", "osl_tok"):
            expect(series, ["actual", "constant"], series, f"predicted_{series}")
        for side in ("prefill", "decode"):
            expect(side, ["constant"], f"{side}_replicas")
        return faults + panels.check(browser, marked=False)


class Trace(Page):
    name = "trace.html"

    def write(self, site):
        (site.folder / "trace.txt").write_text(site.run("trace", "info", site.trace, "--html", self.name))

    def check(self, browser, site):
        told = (site.folder / "trace.txt").read_text()
        figures = dict(row for row in use.rows(browser, browser.elements("table")[0]))
        faults = []
        for key in ("requests", "rate", "digest"):
            line = next(line for line in told.splitlines() if line.startswith(key))
            if line.split(None, 1)[1] != figures[key].replace(",", ""):
                faults.append(f"{key}: {figures[key]}, not {line}")
        for chart in ("isl", "osl", "prefix"):
            ((_, points),) = use.curves(browser, chart)
            x, y = [x for x, _ in points], [y for _, y in points]
            if len(points) < 100 or x != sorted(x) or y != sorted(y, reverse=True):
                faults.append(f"{chart} is no distribution")
        return faults + self.rate(browser, float(figures["rate"].split()[0]))

    @staticmethod
    def rate(browser, rate):
        """The mean height of the bars is the rate of the table."""
        titles = browser.script("""
            return [...document.querySelectorAll("#rate title")].map(t => t.textContent)""")
        values = [float(found.group(1)) for title in titles if (found := re.search(r"requests/s:? ([\d.]+)", title))]
        mean = sum(values) / len(values) if values else math.nan
        return [] if abs(mean - rate) < 0.02 * rate else [f"the mean of {len(values)} bars is {mean}, the rate {rate}: {titles[:2]}"]


class Run(Page):
    name = "run/report.html"

    def write(self, site):
        site.run("run", site.scenario, "--out", "run", "-q", status=1)  # it expects too much

    def check(self, browser, site):
        told = json.loads((site.folder / "run/summary.json").read_text())
        all_panels = panels.of(browser)
        faults = []
        figures = browser.script("return [...document.querySelectorAll('.figures b')].map(b => b.textContent)")
        if f"{100 * told['attainment']['overall']:.4g} %" not in figures:
            faults.append(f"no attainment in {figures}")
        if sorted(all_panels) != ["capacity-1", "capacity-2", "fleet-1", "fleet-2", "kv", "load", "requests",
                                    "seen-isl", "seen-osl", "tpot", "ttft"]:
            faults.append(f"panels {list(all_panels)}")
        if not all_panels["ttft"]["bands"]:
            faults.append("no window of a service that misses is shaded")
        faults += self.causes(browser, all_panels, told) + self.capacity(all_panels, site)
        return faults + self.timeline(all_panels, site) + panels.check(browser)

    @staticmethod
    def causes(browser, all_panels, told):
        """Windows that missed have the colour of a cause, which a legend names; bars have every request that missed."""
        legend = dict(browser.script("""
            return [...document.querySelectorAll("#ttft .kinds span")].map(
                s => [+s.querySelector("rect").classList[1].slice(1), s.textContent.trim()])"""))
        shaded = {band.get("colour"): band["text"] for band in all_panels["ttft"]["bands"]}
        faults = [] if set(shaded) == set(legend) and None not in shaded else [f"shaded {shaded}, legend {legend}"]
        faults += [f"'{legend.get(colour)}' is not in '{text}'" for colour, text in shaded.items() if legend.get(colour, "?") not in text]
        titles = browser.script("return [...document.querySelectorAll('#causes .hit title')].map(t => t.textContent)")
        missed = sum(float(line.rsplit(": ", 1)[1].replace(",", "")) for title in titles for line in title.split("\n")[1:])
        if missed != told["requests"]["offered"] - told["requests"]["good"]:
            faults.append(f"bars of {missed} requests that missed")
        if browser.script("return document.querySelectorAll('#fleet-1 .kinds').length"):
            faults.append("a legend where it is not asked for")
        return faults

    @staticmethod
    def capacity(all_panels, site):
        """Workers short of, and below the axis those idle, as windows.csv has them."""
        rows = list(csv.DictReader((site.folder / "run/windows.csv").open()))
        faults = []
        for number, pool in enumerate(("prefill", "decode"), 1):
            panel = all_panels[f"capacity-{number}"]
            if len(panel["x"]) < len(rows):  # a last one that is too short is left out, and each has an end
                faults.append(f"{len(panel['x'])} times of {len(rows)} windows")
            lengths = [to - at for at, to in zip(panel["x"], panel["x"][1:])]
            for line, figure, sign in zip(panel["lines"], ("short", "idle"), (1, -1)):
                expected = [sign * float(row[f"capacity_{pool}_{figure}_worker_s"]) / length
                            for row, length in zip(rows, lengths)]
                if not all(abs(y - e) <= 2e-3 * abs(e) for y, e in zip(line["y"], expected)):  # times have a digit
                    faults.append(f"{pool}, {figure}: {line['y']}, not {expected}")
        return faults

    @staticmethod
    def timeline(all_panels, site):
        """The panels of workers have what timeline.csv has."""
        samples = list(csv.DictReader((site.folder / "run/timeline.csv").open()))
        faults = []
        for number, pool in enumerate(("prefill", "decode"), 1):
            rows = [row for row in samples if row["pool"] == pool]
            fleet = all_panels[f"fleet-{number}"]
            lines = {line["name"]: line["y"] for line in fleet["lines"]}
            faults += [f"{pool}, {name}: not as in timeline.csv" for name in ("ready", "target", "starting", "draining")
                       if lines[name] != [int(row[name]) for row in rows]]
            if not all(abs(x - float(row["at_ms"]) / 1000) < 0.1 for x, row in zip(fleet["x"], rows, strict=True)):
                faults.append(f"{pool}: other times than in timeline.csv")
        return faults


class Deployments(Page):
    """Two deployments that share a budget which is too small for both."""
    name = "two/report.html"
    budget = 4

    def write(self, site):
        site.run("run", site.two, "--out", "two", "-q")

    def check(self, browser, site):
        told = json.loads((site.folder / "two/summary.json").read_text())
        all_panels = panels.of(browser)
        faults = []
        own = ["capacity-1", "fleet-1", "kv", "load", "requests", "tpot", "ttft"]
        expected = ["attainment", "gpus", *(f"d{i}-{panel}" for i in (1, 2) for panel in own)]
        if sorted(all_panels) != sorted(expected):
            faults.append(f"panels {list(all_panels)}")
        heads = browser.script("return [...document.querySelectorAll('h2[id^=deployment-]')].map(h => h.textContent)")
        if heads != list(told["deployments"]):
            faults.append(f"headings {heads}")
        faults += self.table(browser, told) + self.gpus(all_panels, site) + self.attainment(all_panels, site)
        return faults + self.grants(browser, site) + panels.check(browser, marked=False)

    @staticmethod
    def table(browser, told):
        """A row for each deployment and one for all, as in summary.json."""
        rows = use.rows(browser, browser.element("#deployments ~ * table, #deployments + * table"))
        sides = [*told["deployments"].items(), ("all", told)]
        if [row[0] for row in rows] != [name for name, _ in sides]:
            return [f"rows {rows}"]
        return [f"{name}: {row}" for row, (name, of) in zip(rows, sides)
                if row[3] != f"{100 * of['attainment']['overall']:.4g} %" or float(row[2]) != of["requests"]["offered"]
                or float(row[6]) != of["scaling"]["peak_gpus"] or abs(float(row[5]) - of["gpu_hours"]["total"]) > 1e-3]

    def gpus(self, all_panels, site):
        """GPUs of each as timeline.csv has its workers, which have one each; never more than the budget."""
        rows = list(csv.DictReader((site.folder / "two/timeline.csv").open()))
        lines = {line["name"]: line["y"] for line in all_panels["gpus"]["lines"]}
        held = {name: [int(row["ready"]) + int(row["starting"]) + int(row["draining"])
                       for row in rows if row["deployment"] == name] for name in dict.fromkeys(row["deployment"] for row in rows)}
        held["all"] = [sum(both) for both in zip(*held.values())]
        faults = [f"GPUs of {name}: {lines.get(name)}, not {y}" for name, y in held.items() if lines.get(name) != y]
        if all_panels["gpus"]["level"]["at"] != self.budget or max(held["all"]) > self.budget:
            faults.append(f"budget {all_panels['gpus']['level']}, held {max(held['all'])}")
        return faults

    @staticmethod
    def attainment(all_panels, site):
        """Shares of requests by when they came."""
        rows = list(csv.DictReader((site.folder / "two/requests.csv").open()))
        panel = all_panels["attainment"]
        length = panel["x"][1] - panel["x"][0]
        faults = []
        for line in panel["lines"]:
            good, n = [0] * len(line["y"]), [0] * len(line["y"])
            for row in rows:
                if row["deployment"] == line["name"]:
                    at = int(float(row["arrival_ms"]) / 1000 / length)
                    n[at] += 1
                    good[at] += int(row["sla_met"])
            expected = [a / b if b else None for a, b in zip(good, n)]
            if not panels.same(line["y"], expected):
                faults.append(f"attainment of {line['name']}: {line['y']}, not {expected}")
        return faults

    @staticmethod
    def grants(browser, site):
        n = len((site.folder / "two/grants.jsonl").read_text().splitlines())
        rows = use.rows(browser, browser.elements("table")[2])
        return [] if n and len(rows) == min(n, 200) else [f"{len(rows)} rows of {n} grants"]


class Sweep(Page):
    name = "sweep/report.html"

    def write(self, site):
        site.run("sweep", site.scenario, "--vary", "policy.min_endpoint=1..3:1", "--vary", "policy.load_predictor=constant,kalman",
                 "--replicates", 3, "--keys", "attainment.overall,gpu_hours.total,requests.good", "--out", "sweep", "-q")

    def check(self, browser, site):
        runs = list(csv.DictReader((site.folder / "sweep/results.csv").open()))
        means = {}
        for run in runs:
            means.setdefault(run["policy.min_endpoint"], []).append(float(run["attainment.overall"]))
        ((_, points),) = use.curves(browser, "effect-0-0")
        faults = wrong("effect", use.same_course(points, [sum(m) / len(m) for m in means.values()]))
        dots = browser.script("return document.querySelectorAll('#front .kind0, #front .kind1').length")
        cells = browser.script("return document.querySelectorAll('#heat-0 rect[class^=h] title').length")
        if not 3 <= dots <= 6 + 2 or cells != 6:
            faults.append(f"{dots} dots, {cells} cells")
        return faults


class Tune(Page):
    name = "tune/report.html"

    def write(self, site):
        site.run("tune", site.scenario, "--vary", "policy.min_endpoint=1..4", "--vary", "policy.load_predictor=constant,kalman",
                 "--subject-to", "attainment.overall>=0.5", "--minimize", "gpu_hours.total", "--runs", 24, "--replicates", 3,
                 "--out", "tune", "-q", status=None)

    def check(self, browser, site):
        told = json.loads((site.folder / "tune/tune.json").read_text())
        faults = []
        for number, knob in enumerate(told["sensitivity"]):
            for figure, key in enumerate(knob["figures"]):
                ((_, points),) = use.curves(browser, f"effect-{number}-{figure}")
                curve = [point["mean"] for point in knob["figures"][key]["curve"]]
                faults += wrong(f"{key} by {knob['key']}", use.same_course(points, curve))
        text = browser.script("return document.body.textContent")
        faults += [f"does not say: {sentence}" for sentence in told["sentences"] if sentence not in text]
        if browser.script("return document.querySelectorAll('#front .kind3').length") != 2:  # the legend's, and its place
            faults.append("the recommended setting is not shown")
        return faults


class Size(Page):
    name = "size.html"

    def write(self, site):
        site.run("size", site.scenario, "--set", "trace.limit=300", "--profiles", "*200_sxm/vllm/Llama-3.1-8B-FP8/TP[12]",
                 "--topologies", "agg", "--target", "attainment>=0.5", "--scale-load", "1,2", "--growth", "5%/month", "--months", 2,
                 "--json", "size.json", "--html", self.name, "-q", status=None)

    def check(self, browser, site):
        told = json.loads((site.folder / "size.json").read_text())
        faults = []
        for load in (1, 2):
            here = [choice for choice in told["choices"] if choice["scale_load"] == load]
            bars = browser.script(f"return document.querySelectorAll('#cost-{load - 1} rect.area').length")
            if bars != len(here) or not here:
                faults.append(f"{bars} bars of {len(here)} choices at load {load}")
        for _, points in use.curves(browser, "what-if"):
            if len(points) != 2:
                faults.append(f"a line of {len(points)} loads")
        return faults


PAGES = [Run(), Deployments(), Compare(), CompareTwo(), Check(), Plan(), Trace(), Sweep(), Tune(), Size()]
