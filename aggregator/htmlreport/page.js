"use strict";

// Charts: each is data and a description of what is drawn of it; expressions are interpreted, never compiled.
const specs = JSON.parse(document.getElementById("charts").textContent);
const options = { renderer: "svg", ast: true, actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true } };

async function draw(id, spec) {
  const place = document.getElementById("chart-" + id);
  try {
    await vegaEmbed(place, spec, options);
    place.dataset.state = "drawn";
  } catch (error) {
    place.dataset.state = "failed";
    place.classList.add("failed");
    place.textContent = "This chart could not be drawn; the table says the same.";
    console.error(error);
  }
}

Promise.all(Object.entries(specs).map(([id, spec]) => draw(id, spec))).then(() => {
  document.documentElement.dataset.charts = "done";
});

// Tables: a click on the head of a column sorts by it, numbers greatest first, a second one the other way round.
function compare(a, b) {
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

function sort(table, at, head) {
  const isText = !head.classList.contains("number");
  const order = head.ariaSort === (isText ? "ascending" : "descending") ? (isText ? -1 : 1) : isText ? 1 : -1;
  const value = (row) => {
    const cell = row.cells[at];
    return isText ? cell.textContent : "value" in cell.dataset ? Number(cell.dataset.value) : NaN;
  };
  const missing = (row) => Number.isNaN(value(row));
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => missing(a) - missing(b) || order * compare(value(a), value(b)) || 0);
  table.tBodies[0].append(...rows);
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  head.ariaSort = order === 1 ? "ascending" : "descending";
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, at, head));
    head.append(button);
  });
}
