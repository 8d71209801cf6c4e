// Ticks a whole table of rows at once. Without this script every box can still be ticked by hand.
function pick(table) {
  const boxes = [...table.querySelectorAll('tbody input[name="digest"]')];
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
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
  head.append(" ", all);
}

// for the first page, and for each one that is loaded into it
htmx.onLoad((part) => {
  const tables = [...(part.matches("table[data-pick]") ? [part] : []), ...part.querySelectorAll("table[data-pick]")];
  tables.filter((table) => !table.dataset.picked).forEach((table) => {
    table.dataset.picked = "yes";
    pick(table);
  });
});
