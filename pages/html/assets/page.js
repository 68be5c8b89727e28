// Every page: the switch of colours, tables that sort, and what is folded away is open on paper.
"use strict";
(() => {
  const root = document.documentElement, names = ["as the system", "light", "dark"], key = "headroom-theme";
  const button = document.getElementById("theme");

  // A browser may keep nothing for a file.
  function stored() {
    try { return localStorage.getItem(key); } catch { return null; }
  }
  function show(name) {
    if (names.indexOf(name) > 0)
      root.dataset.theme = name;
    else
      delete root.dataset.theme;
    button.textContent = "Theme: " + name;
  }
  let theme = Math.max(0, names.indexOf(stored()));
  show(names[theme]);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = (theme + 1) % names.length;
    show(names[theme]);
    try { localStorage.setItem(key, names[theme]); } catch { /* until the page is closed */ }
  });

  // ---- tables ----

  function value(row, column) {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  }
  // Numbers before texts; equal rows stay in their order.
  function compare(a, b) {
    if (typeof a !== typeof b)
      return typeof a === "number" ? -1 : 1;
    return typeof a === "number" ? a - b : a.localeCompare(b);
  }
  function sort(table, column) {
    const head = table.tHead.rows[0].cells[column], body = table.tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column)) * (down ? -1 : 1));
    for (const cell of table.tHead.rows[0].cells)
      cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  }
  for (const table of document.querySelectorAll("table.sortable")) {
    if (table.tBodies[0].rows.length < 2)
      continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent)
        return;
      const text = document.createElement("button");
      text.type = "button";
      text.append(...head.childNodes);
      text.addEventListener("click", () => sort(table, column));
      head.append(text);
    });
  }

  // ---- paper ----

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach(d => { d.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach(d => { d.open = false; }));
})();
