"use strict";
// Layers: a button shows or hides its layer in all pictures of its section.
for (const button of document.querySelectorAll("[data-toggle]")) {
  const layers = button.closest("section").querySelectorAll(`[data-layer="${button.dataset.toggle}"]`);
  const apply = () => layers.forEach(layer => { layer.hidden = button.getAttribute("aria-pressed") === "false"; });
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
    apply();
  });
  apply();
}

// Zoom: the picture grows inside its frame, which scrolls; its centre stays in place.
for (const view of document.querySelectorAll("figure.picture")) {
  const frame = view.querySelector(".viewport"), stack = view.querySelector(".stack");
  let zoom = 1;
  const set = wanted => {
    const before = zoom;
    zoom = Math.min(16, Math.max(1, wanted));
    if (before === 1 && zoom > 1) frame.style.height = `${frame.clientHeight}px`;
    if (zoom === 1) frame.style.height = "";
    const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2];
    stack.style.setProperty("--zoom", zoom);
    frame.scrollLeft = middle[0] * zoom / before - frame.clientWidth / 2;
    frame.scrollTop = middle[1] * zoom / before - frame.clientHeight / 2;
  };
  const steps = { in: () => set(zoom * 1.5), out: () => set(zoom / 1.5), fit: () => set(1) };
  for (const button of view.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", steps[button.dataset.zoom]);
  }
  frame.addEventListener("keydown", event => {
    const step = { "+": "in", "=": "in", "-": "out", "0": "fit" }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    steps[step]();
  });
  frame.addEventListener("pointerdown", event => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    const start = [event.clientX + frame.scrollLeft, event.clientY + frame.scrollTop];
    const move = at => { frame.scrollLeft = start[0] - at.clientX; frame.scrollTop = start[1] - at.clientY; };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerup", () => frame.removeEventListener("pointermove", move), { once: true });
  });
}

// Tables: sort by a column, filter by text. Missing scores stay last.
for (const box of document.querySelectorAll(".table")) {
  const table = box.querySelector("table.sortable");
  if (!table) continue;
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = head.classList.contains("num");
    const key = row => numeric ? parseFloat(row.cells[place].textContent.replace("∞", "Infinity"))
                               : row.cells[place].textContent;
    const order = (a, b) => numeric ? a - b : a.localeCompare(b, undefined, { numeric: true });
    const rows = [...body.rows].map(row => [key(row), row]);
    rows.sort(([a], [b]) => {
      if (numeric && (Number.isNaN(a) || Number.isNaN(b))) return Number.isNaN(a) - Number.isNaN(b);
      return down ? order(b, a) : order(a, b);
    });
    body.append(...rows.map(([, row]) => row));
  }));
  const field = box.querySelector("input"), status = box.querySelector("[role=status]");
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    status.textContent = wanted ? `${shown} of ${body.rows.length}` : "";
  });
}
