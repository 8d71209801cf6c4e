// Ticks a whole table of rows at once. Without this script every box can still be ticked by hand.
document.querySelectorAll("table[data-pick]").forEach((table) => {
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
});
