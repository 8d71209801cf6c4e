// Ticks a whole table of rows at once (not of removals, unless a run is undone), and counts what is ticked. Without this script every box can be ticked by hand.
function pick(table) {
  const boxes = [...table.querySelectorAll('tbody input[name="digest"], tbody input[name="lift"]')];
  const head = table.querySelector("thead th");
  if (boxes.length < 2 || !head) return;
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", `${table.caption.firstChild.textContent.trim()}: ${head.textContent}`);
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  // the change goes on to the table's frame, which keeps the ticks
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
  head.append(" ", all);
}

// what is ticked on this page, and what was ticked on the others
function count() {
  const ticked = [...document.querySelectorAll('input[name="digest"]:checked')];
  for (const place of document.querySelectorAll("[data-ticked]")) {
    const kind = place.dataset.ticked;
    const here = kind ? ticked.filter((box) => box.dataset.kind === kind) : ticked;
    const text = String(here.length + Number(place.dataset.elsewhere));
    if (place.textContent !== text) place.textContent = text;
  }
}

document.addEventListener("change", (event) => {
  if (event.target.closest?.("table.picks")) count();
});

// Enter on a box would press the form's first button and load the page anew: it does nothing, Space ticks
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.('input[name="digest"]')) event.preventDefault();
});

// for the first page, and for each one that is loaded into it
htmx.onLoad((part) => {
  const tables = [...(part.matches("table[data-pick]") ? [part] : []), ...part.querySelectorAll("table[data-pick]")];
  tables.filter((table) => !table.dataset.picked).forEach((table) => {
    table.dataset.picked = "yes";
    pick(table);
  });
  if (part.matches("table.picks") || part.querySelector("table.picks")) count();
  for (const button of part.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
});
