
// Panels over time: uPlot draws them; here is what they have in common: one zoom and one cursor for all, keys, lines that can
// be hidden, the colours of the theme.
"use strict";
(() => {
  const root = document.documentElement, panels = [];
  const probe = document.body.appendChild(document.createElement("span"));
  const spoken = document.body.appendChild(document.createElement("div"));
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];
  const HEIGHT = 190, PAPER = 700, NEAR = 5;
  let span = [0, 1], view = span, isMoving = false;

  probe.hidden = true;
  spoken.className = "screen-only";
  spoken.setAttribute("aria-live", "polite");

  // ---- texts ----

  const two = n => String(n).padStart(2, "0");
  function time(s, withSeconds) {
    s = Math.round(s);
    return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + (withSeconds ? ":" + two(s % 60) : "");
  }
  function figure(value, unit) {
    if (value === null || value === undefined)
      return "–";
    if (unit === "%")
      return (value * 100).toFixed(1) + " %";
    return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) < 1000 ? 4 : 9 });
  }
  function short(value, unit) {
    if (unit === "%")
      return +(value * 100).toFixed(6) + " %";
    return Math.abs(value) >= 1e6 ? +(value / 1e6).toFixed(3) + "M" : value.toLocaleString("en", { maximumFractionDigits: 6 });
  }

  // ---- colours ----

  // A custom property has its colour for the theme only where it is used.
  function colour(name, share) {
    probe.style.color = share ? `color-mix(in srgb, var(--${name}) ${share}%, transparent)` : `var(--${name})`;
    return getComputedStyle(probe).color;
  }
  function redraw() {
    for (const panel of panels)
      panel.plot.redraw(false, true);
  }

  // ---- what lies below and above the lines ----

  // A missed stretch is shaded, and hatched at its top, for those who do not see the colour.
  function drawBands(u, bands) {
    const { left, top, width, height } = u.bbox, ctx = u.ctx, bar = 5 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    for (const { span: [from, to], colour: kind, hatch: path } of bands) {
      const x = u.valToPos(from, "x", true), w = u.valToPos(to, "x", true) - x, known = kind !== undefined;
      ctx.fillStyle = known ? colour("s" + kind, 20) : colour("chart-limit", 11);
      ctx.fillRect(x, top, w, height);
      if (known)
        tile(ctx, x, top, w, 2 * bar, kind, path);
      else
        hatch(ctx, x, top, w, bar);
    }
    ctx.restore();
  }
  // A kind of band has its colour and its hatching at the top, as in the legend.
  function tile(ctx, x, y, width, height, kind, path) {
    const dot = devicePixelRatio, of = document.createElement("canvas"), pen = of.getContext("2d");
    of.width = of.height = Math.round(6 * dot);
    pen.fillStyle = colour("s" + kind);
    pen.fillRect(0, 0, of.width, of.height);
    pen.scale(of.width / 6, of.height / 6);
    pen.strokeStyle = colour("chart-ground", 60);
    pen.lineWidth = 1.25;
    pen.stroke(new Path2D(path));
    ctx.fillStyle = ctx.createPattern(of, "repeat");
    ctx.fillRect(x, y, width, height);
  }
  function hatch(ctx, x, y, width, height) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, width, height);
    ctx.clip();
    ctx.beginPath();
    for (let at = x - height; at < x + width; at += 1.2 * height) {
      ctx.moveTo(at, y + height);
      ctx.lineTo(at + height, y);
    }
    ctx.strokeStyle = colour("chart-limit");
    ctx.lineWidth = devicePixelRatio;
    ctx.stroke();
    ctx.restore();
  }
  function drawOver(u, data) {
    const { left, top, width, height } = u.bbox, ctx = u.ctx, dot = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.lineWidth = dot;
    for (const { at } of data.marks) {
      const x = Math.round(u.valToPos(at, "x", true));
      ctx.strokeStyle = colour("chart-axis");
      ctx.beginPath();
      ctx.setLineDash([2 * dot, 3 * dot]);
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
      ctx.fillStyle = colour("chart-text");
      ctx.beginPath();
      ctx.moveTo(x - 4 * dot, top);
      ctx.lineTo(x + 4 * dot, top);
      ctx.lineTo(x, top + 6 * dot);
      ctx.fill();
    }
    if (data.level)
      drawLevel(u, data.level);
    ctx.restore();
  }
  function drawLevel(u, level) {
    const { left, width } = u.bbox, ctx = u.ctx, dot = devicePixelRatio, y = Math.round(u.valToPos(level.at, "y", true));
    ctx.strokeStyle = ctx.fillStyle = colour("chart-limit");
    ctx.lineWidth = 1.5 * dot;
    ctx.setLineDash([5 * dot, 4 * dot]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.font = `${11 * dot}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.fillText(level.name, left + width - 4 * dot, y - 4 * dot);
  }

  // ---- one zoom, one cursor ----

  function zoom(from, to) {
    const least = (span[1] - span[0]) / 2000;
    if (!(to - from > least))
      return;
    view = [Math.max(span[0], from), Math.min(span[1], to)];
    for (const { plot } of panels)
      plot.setScale("x", { min: view[0], max: view[1] });
  }
  function zoomBy(u, share) {
    const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : (view[0] + view[1]) / 2;
    zoom(at - (at - view[0]) * share, at + (view[1] - at) * share);
  }
  function moveCursors(from) {
    if (isMoving)
      return;
    isMoving = true;
    for (const { plot } of panels) {
      if (plot !== from)
        plot.setCursor(from.cursor.left < 0 ? { left: -10, top: -10 }
          : { left: plot.valToPos(from.posToVal(from.cursor.left, "x"), "x"), top: 10 }, true, false);
    }
    isMoving = false;
  }

  // ---- what is under the cursor ----

  function toldAt(u, data) {
    const at = u.posToVal(u.cursor.left, "x");
    const near = data.marks.filter(m => Math.abs(u.valToPos(m.at, "x") - u.cursor.left) <= NEAR).map(m => m.text);
    const band = data.bands.find(b => b.span[0] <= at && at < b.span[1]);
    return [time(at, true), ...near, ...(band ? [band.text] : [])].join(" · ");
  }
  // What lies below the axis has no sign.
  function shown(panel, line, index) {
    const value = panel.plot.data[line + 1][index];
    return value && panel.data.lines[line].style.includes("below") ? Math.abs(value) : value;
  }
  function tell(panel) {
    const { plot: u, data } = panel, index = u.cursor.left < 0 ? null : u.cursor.idx;
    panel.values.forEach((value, i) => { value.textContent = index === null ? "" : figure(shown(panel, i, index), data.unit); });
    panel.told.textContent = index === null ? panel.note : toldAt(u, data);
    panel.told.classList.toggle("resting", index === null);
  }
  function speak(panel) {
    const values = panel.data.lines.map((line, i) => line.name + " " + figure(shown(panel, i, panel.plot.cursor.idx), panel.data.unit));
    spoken.textContent = [panel.told.textContent, ...values].join("; ");
  }

  // ---- keys ----

  function step(panel, by) {
    const u = panel.plot, x = u.data[0];
    const inView = x.map((at, i) => i).filter(i => view[0] <= x[i] && x[i] <= view[1]);
    if (!inView.length)
      return;
    const now = u.cursor.left < 0 ? -1 : inView.indexOf(u.cursor.idx);
    const next = Math.max(0, Math.min(inView.length - 1, by === -Infinity ? 0 : now + by));
    u.setCursor({ left: u.valToPos(x[inView[Math.min(next, inView.length - 1)]], "x"), top: 10 }, true, false);
    speak(panel);
  }
  const keys = {
    ArrowLeft: panel => step(panel, -1), ArrowRight: panel => step(panel, 1),
    PageUp: panel => step(panel, -10), PageDown: panel => step(panel, 10),
    Home: panel => step(panel, -Infinity), End: panel => step(panel, 1e9),
    "+": panel => zoomBy(panel.plot, 0.5), "=": panel => zoomBy(panel.plot, 0.5), "-": panel => zoomBy(panel.plot, 2),
    0: () => zoom(...span), Escape: () => zoom(...span),
  };
  function pressed(panel, event) {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (!act)
      return;
    act(panel);
    event.preventDefault();
  }

  // ---- a panel ----

  function seriesOf(line) {
    const stroke = "s" + line.colour, style = line.style;
    return {
      stroke: () => colour(stroke), width: style.includes("dotted") ? 2.5 : 2, points: { show: false },
      dash: style.includes("dashed") ? [7, 4] : style.includes("dotted") ? [2, 4] : undefined,
      fill: style.includes("area") ? () => colour(stroke, 22) : undefined, fillTo: 0,
      paths: style.includes("step") ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
    };
  }
  // Of workers there is no half.
  const WHOLE_STEPS = [...Array(10).keys()].flatMap(n => [1, 2, 5].map(step => step * 10 ** n));
  const whole = data => data.lines.every(line => line.y.every(y => y === null || Number.isInteger(y)));
  function axes(data) {
    const both = { stroke: () => colour("chart-quiet"), font: "12px system-ui, sans-serif", ticks: { show: false },
      grid: { stroke: () => colour("chart-grid"), width: 1 } };
    return [
      { ...both, size: 26, incrs: STEPS, space: 70, values: (u, ticks, axis, space, by) => ticks.map(t => time(t, by < 60)) },
      { ...both, size: 58, gap: 6, incrs: whole(data) ? WHOLE_STEPS : undefined,
        values: (u, ticks) => ticks.map(t => short(data.lines.some(l => l.style.includes("below")) ? Math.abs(t) : t, data.unit)) },
    ];
  }
  function options(panel, width) {
    const data = panel.data;
    const top = most => Math.max(most || 0, data.level ? data.level.at * 1.12 : 0) || 1;
    const bottom = least => least < 0 ? least * 1.05 : 0;
    return {
      width, height: HEIGHT, padding: [10, 10, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 6 },
        bind: { dblclick: () => () => { zoom(...span); return null; } } },
      scales: { x: { time: false, range: () => view }, y: { range: (u, min, max) => [bottom(min), Math.max(top(max) * 1.05, -bottom(min) / 4)] } },
      axes: axes(data),
      series: [{}, ...data.lines.map(seriesOf)],
      hooks: {
        drawClear: [u => drawBands(u, data.bands)],
        draw: [u => drawOver(u, data)],
        setSelect: [u => select(u)],
        setCursor: [u => { tell(panel); moveCursors(u); }],
      },
    };
  }
  function select(u) {
    const { left, width } = u.select;
    if (width < 3)
      return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
  }
  // A button for each line, which hides it.
  function addLine(panel, line, i) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    for (const [part, text] of [["sample", ""], ["name", line.name], ["value", ""]]) {
      const span = button.appendChild(document.createElement("span"));
      span.className = part === "sample" ? `sample s${line.colour} ${line.style}` : part;
      span.textContent = text;
    }
    panel.values.push(button.lastChild);
    button.addEventListener("click", () => {
      const show = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", String(show));
      panel.plot.setSeries(i + 1, { show });
    });
    panel.element.querySelector(".lines").append(button);
  }
  function add(element) {
    const data = JSON.parse(element.querySelector("script").textContent), place = element.querySelector(".over-time");
    const panel = { element, data, values: [], told: element.querySelector(".told") };
    panel.note = panel.told.textContent;
    panel.told.classList.add("resting");
    data.lines.forEach((line, i) => addLine(panel, line, i));
    span = view = data.span;
    panel.plot = new uPlot(options(panel, place.clientWidth), [data.x, ...data.lines.map(line => line.y)], place);
    place.tabIndex = 0;
    place.addEventListener("keydown", event => pressed(panel, event));
    new ResizeObserver(() => panel.plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
    panels.push(panel);
  }
  document.querySelectorAll(".panel").forEach(add);

  // ---- theme and paper ----

  new MutationObserver(redraw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    for (const { plot } of panels)
      plot.setSize({ width: PAPER, height: HEIGHT });
    redraw();
  });
  addEventListener("afterprint", () => {
    if (theme)
      root.dataset.theme = theme;
    else
      delete root.dataset.theme;
    for (const { plot, element } of panels)
      plot.setSize({ width: element.querySelector(".over-time").clientWidth, height: HEIGHT });
  });
})();
