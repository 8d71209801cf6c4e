// Waits for the tool's word that its registration has ended; only the tool's own page, and only that word, counts.
const { origin, subject } = document.currentScript.dataset;
const frame = document.getElementById("registration");
const button = document.getElementById("open");
let opened = null;

if (button) {
  button.addEventListener("click", () => {
    opened = window.open(button.dataset.url, "registration", "width=900,height=700");
  });
}

window.addEventListener("message", (event) => {
  const source = frame ? frame.contentWindow : opened;
  if (event.source !== source || event.origin !== origin) return;
  if (!event.data || event.data.subject !== subject) return;
  if (opened) opened.close();
  window.location.assign("/admin/tools?closed=1");
});
