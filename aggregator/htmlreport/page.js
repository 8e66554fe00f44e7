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

// Tables: a click on the head of a column sorts by it, numbers greatest first; a second one, the other way round.
const texts = new Intl.Collator(undefined, { numeric: true });

function sort(table, at, head) {
  const isText = head.classList.contains("text");
  const usual = isText ? "ascending" : "descending";
  const way = head.getAttribute("aria-sort") !== usual ? usual : isText ? "descending" : "ascending";
  const sign = way === "ascending" ? 1 : -1;
  const value = (row) => (isText ? row.cells[at].textContent : Number(row.cells[at].dataset.value ?? NaN));
  const compare = (a, b) => {
    if (isText) return sign * texts.compare(a, b);
    return Number.isNaN(a) - Number.isNaN(b) || sign * (a - b) || 0;
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b)));
  table.tBodies[0].append(...rows);
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", way);
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
