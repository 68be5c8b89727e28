// What is wrong with the page that is open, as lines of text: run in it by audit.py. Each finder gives a list.
"use strict";
const found = [];
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function place(node) {
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const id = element.closest("[id]");
  const text = node.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
  return `${element.tagName.toLowerCase()}${element.getAttribute("class") ? "." + element.getAttribute("class") : ""}`
    + `${id ? " in #" + id.id : ""} "${text}"`;
}

// ---- colours ----

// Any colour of CSS as [r, g, b, a] of 0 to 1.
const colours = new Map();
function colour(text) {
  if (!colours.has(text)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    colours.set(text, [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255));
  }
  return colours.get(text);
}

const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);

function luminance(c) {
  const [r, g, b] = c.slice(0, 3).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

// What an element lays over what is below it at a point of the window: a box its background, a shape of SVG its fill.
function layer(element, x, y) {
  const style = getComputedStyle(element);
  const isShape = element instanceof SVGGeometryElement;
  if (isShape && !element.isPointInFill(new DOMPoint(x, y).matrixTransform(element.getScreenCTM().inverse())))
    return null; // its stroke
  if (!isShape && element instanceof SVGElement && element.tagName !== "svg")
    return null;
  const paint = isShape ? style.fill : style.backgroundColor;
  if (paint === "none" || paint.startsWith("url"))
    return null;
  const c = [...colour(paint)];
  c[3] *= (isShape ? Number(style.fillOpacity) : 1) * opacity(element);
  return c[3] > 0 ? c : null;
}

function opacity(element) {
  let value = 1;
  for (let at = element; at; at = at.parentElement)
    value *= Number(getComputedStyle(at).opacity);
  return value;
}

// Below the middle of a text: what is drawn there, from the top to the first thing that hides the rest.
function ground(element, box) {
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  const stack = document.elementsFromPoint(x, y);
  const from = stack.indexOf(element);
  const layers = [];
  if (from >= 0) {
    for (const other of stack.slice(from)) {
      const own = other === element && element instanceof SVGElement ? null : layer(other, x, y);
      if (own)
        layers.push(own);
    }
  } else {
    for (let at = element; at; at = at.parentElement) {
      const own = layer(at, x, y);
      if (own)
        layers.push(own);
    }
  }
  const isDark = getComputedStyle(document.documentElement).colorScheme.trim() === "dark";
  return layers.reduceRight((below, top) => over(top, below), isDark ? [0.07, 0.07, 0.07, 1] : [1, 1, 1, 1]);
}

function texts() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const all = [];
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("script, style, title, desc, noscript, datalist, option"))
      continue;
    const style = getComputedStyle(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (style.visibility === "visible" && box.width > 1 && box.height > 1 && element.checkVisibility())
      all.push({ node, element, style });
  }
  return all;
}

function lowContrast(least) {
  const seen = new Set();
  for (const { node, element, style } of texts()) {
    if (element.closest(":disabled, [aria-disabled=true], .visually-hidden"))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    let box = range.getBoundingClientRect();
    if (box.top < 0 || box.bottom > innerHeight) {
      element.scrollIntoView({ block: "center", behavior: "instant" });
      box = range.getBoundingClientRect();
    }
    const below = ground(element, box);
    const ink = [...colour(element instanceof SVGElement ? style.fill : style.color)];
    ink[3] *= opacity(element) * (element instanceof SVGElement ? Number(style.fillOpacity) : 1);
    const ratio = contrast(over(ink, below), below);
    const what = `${ink} ${below}`;
    if (ratio < least && !seen.has(what)) {
      seen.add(what);
      found.push(`contrast ${ratio.toFixed(2)} < ${least}: ${place(node)}`);
    }
  }
  scrollTo(0, 0);
}

// ---- layout ----

function overflow() {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width)
    return;
  const wide = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1);
  const first = wide.filter(e => !wide.some(other => other !== e && e.contains(other)))[0];
  found.push(`the page is ${document.documentElement.scrollWidth} wide at ${width}: ${first ? place(first) : "?"}`);
}

// Where there is room for all, no part of the page has to be scrolled to the side.
function hidden() {
  for (const element of document.body.querySelectorAll("*")) {
    if (element.checkVisibility() && element.clientWidth && element.scrollWidth > element.clientWidth + 1
        && ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX))
      found.push(`${element.scrollWidth} px in ${element.clientWidth}: ${place(element)}`);
  }
}

// Labels of a chart lie in it, and not over each other.
function labels() {
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    if (!svg.checkVisibility() || frame.width < 40)
      continue;
    const boxes = [...svg.querySelectorAll("text")]
      .filter(t => t.checkVisibility({ checkOpacity: true }) && t.textContent.trim())
      .map(t => ({ t, box: t.getBoundingClientRect(), isTurned: /rotate/.test(t.getAttribute("transform") || "") }));
    for (const { t, box } of boxes) {
      if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.top < frame.top - 2
          || box.bottom > frame.bottom + 2)
        found.push(`cut by its chart: ${place(t)}`);
    }
    for (let i = 0; i < boxes.length; i++) {
      for (let k = i + 1; k < boxes.length; k++) {
        const a = boxes[i].box, b = boxes[k].box;
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (x > 2 && y > Math.min(a.height, b.height) / 3 && !boxes[i].isTurned && !boxes[k].isTurned) {
          found.push(`labels over each other: ${place(boxes[i].t)} and ${place(boxes[k].t)}`);
          i = k = boxes.length; // one of a chart
        }
      }
    }
  }
}

// As it is on the screen: a picture that is made smaller makes its texts smaller.
function smallText(least) {
  for (const { node, element, style } of texts()) {
    const scale = element instanceof SVGElement ? Math.abs(element.getScreenCTM().a) || Math.abs(element.getScreenCTM().b) : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (size < least) {
      found.push(`text of ${size.toFixed(1)} px: ${place(node)}`);
      return;
    }
  }
}

// ---- structure ----

function structure() {
  const count = new Map();
  for (const element of document.querySelectorAll("[id]"))
    count.set(element.id, (count.get(element.id) || 0) + 1);
  for (const [id, n] of count) {
    if (n > 1)
      found.push(`${n} elements have the id '${id}'`);
  }
  for (const attribute of ["aria-labelledby", "aria-describedby", "for", "href"]) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      const value = element.getAttribute(attribute);
      const ids = attribute === "href" ? (value.startsWith("#") ? [value.slice(1)] : []) : value.split(/\s+/);
      for (const id of ids) {
        if (id && !document.getElementById(id))
          found.push(`${attribute} names '${id}', which is not there: ${place(element)}`);
      }
    }
  }
  if (!document.documentElement.lang)
    found.push("no language");
  if (!document.title.trim())
    found.push("no title");
  if (document.querySelectorAll("h1").length !== 1)
    found.push(`${document.querySelectorAll("h1").length} headings of the first level`);
  if (document.compatMode !== "CSS1Compat")
    found.push("quirks mode: no doctype");
  if (document.characterSet !== "UTF-8")
    found.push("not UTF-8");
  let level = 1;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    if (Number(heading.tagName[1]) > level + 1)
      found.push(`a level of headings is left out: ${place(heading)}`);
    level = Number(heading.tagName[1]);
    if (!heading.textContent.trim())
      found.push(`an empty heading: ${place(heading)}`);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("th"))
      found.push(`a table without heads: ${place(table)}`);
  }
}

// Numbers that went wrong on their way into a text, and texts that were never filled in.
function leftovers() {
  for (const { node } of texts()) {
    if (/(^|[^\w])-?(nan|NaN|undefined|null|Infinity|\[object \w+\]|%[dsugf])([^\w]|$)/.test(node.textContent))
      found.push(`left over: ${place(node)}`);
  }
}

function csp() {
  const metas = document.querySelectorAll("meta[http-equiv=Content-Security-Policy]");
  const text = metas.length === 1 ? metas[0].content : "";
  if (!/default-src 'none'/.test(text))
    found.push(`the page has no Content-Security-Policy that begins with nothing: '${text}'`);
  if (/unsafe|\*|https?:/.test(text))
    found.push(`a lax Content-Security-Policy: '${text}'`);
}

const finders = { lowContrast, overflow, hidden, labels, smallText, structure, leftovers, csp };
for (const [name, ...parameters] of arguments[0])
  finders[name](...parameters);
return found;
