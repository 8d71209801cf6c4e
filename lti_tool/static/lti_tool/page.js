// Every page: this person's session lives in this script's memory and goes with each request in a header, by htmx.
import { Keeper, lmsStorage } from "./storage.js";

const HEADER = "X-GradeSync-Session";
let token = "";
// pages tell times on this person's clock
const ZONE = "X-GradeSync-Zone";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";

/** Signed in without a cookie: keep the handle for a reload, and load the first page into this one. */
export async function begin(answer, store) {
  const keeper = new Keeper(store);
  const course = (answer.url || location.pathname).split("/")[2];
  token = answer.session;
  await keeper.put(`gradesync_resume_${course}`, answer.resume);
  const wanted = answer.url ? await wantedBefore(keeper, course, answer.url) : location.pathname + location.search;
  // before it is asked for: should it not come, a reload finds the way
  history.replaceState({ htmx: true }, "", wanted);
  await htmx.ajax("GET", wanted, { target: "body", swap: "innerHTML" });
}

async function wantedBefore(keeper, course, url) {
  const path = await keeper.get(`gradesync_back_${course}`);
  if (path) await keeper.drop(`gradesync_back_${course}`);
  return path.startsWith(url) ? path : url;
}

/** A whole page of ours, shown in place of this one. */
export function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  document.title = page.title;
  document.body.replaceChildren(...page.body.childNodes);
  htmx.process(document.body);
  focusMain();
  submitItself(document.body);
}

function focusMain() {
  document.getElementById("main")?.focus({ preventScroll: true });
}

function submitItself(part) {
  const form = part.querySelector("form[data-submit-itself]");
  if (form) form.submit();
}

async function resume(element) {
  const page = { ...element.dataset };
  element.remove();
  const store = () => lmsStorage(page.storageOrigin, page.storageTarget);
  const keeper = new Keeper(store);
  const handle = await keeper.get(`gradesync_resume_${page.course}`);
  let silent = false;
  try {
    if (handle && (await resumed(page.address, handle, store))) return;
  } catch {
    silent = true;
  }
  await keeper.put(`gradesync_back_${page.course}`, location.pathname);
  if (silent) tellNoAnswer();
}

async function resumed(address, handle, store) {
  const answer = await fetch(address, { method: "POST", headers: { "X-GradeSync-Resume": handle } });
  const said = await answer.json();
  if (answer.ok) await begin(said, store);
  else offerReturn(said.return_url);
  return answer.ok;
}

function offerReturn(address) {
  const link = document.getElementById("return");
  if (!link || !/^https?:\/\//.test(address || "")) return;
  link.href = address;
  link.closest("[hidden]")?.removeAttribute("hidden");
}

document.addEventListener("htmx:configRequest", (event) => {
  if (token) Object.assign(event.detail.headers, { [HEADER]: token, [ZONE]: zone });
});

// going back asks the server anew, as nothing with grades is kept in the browser
document.addEventListener("htmx:historyCacheMiss", (event) => {
  if (!token) return;
  event.detail.xhr.setRequestHeader(HEADER, token);
  event.detail.xhr.setRequestHeader(ZONE, zone);
});
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

// each page asked for is a new turn; what was asked before it, a former page or a part of one, answers too late
let turn = 0;
const turns = new WeakMap();
const refuseLate = (event) => {
  if (turns.get(event.detail.xhr) < turn) event.preventDefault();
};
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target, xhr } = event.detail;
  if (target === document.body) turn += 1;
  turns.set(xhr, turn);
  // on the element itself: it may have left the page by then, and its events would not arrive here
  elt.addEventListener("htmx:beforeOnLoad", refuseLate);
});
document.addEventListener("htmx:historyCacheMiss", () => (turn += 1));

document.addEventListener("submit", (event) => {
  if (event.target.target === "_blank") event.target.querySelector("[data-opened]")?.removeAttribute("hidden");
});

// a second click on the way sends nothing a second time; a button may stand outside its form
const held = new WeakMap();
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt;
  if (form.tagName !== "FORM") return;
  const buttons = [...form.elements].filter((one) => one.tagName === "BUTTON" && !one.disabled);
  held.set(form, { buttons, focused: document.activeElement });
  for (const button of buttons) button.disabled = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { buttons, focused } = held.get(event.detail.elt) || { buttons: [] };
  for (const button of buttons) button.disabled = false;
  // a button that was disabled lost the focus; where a new page came, it is gone
  if (buttons.includes(focused) && focused.isConnected) focused.focus({ preventScroll: true });
});

// what she typed is not lost when a page is refused: the one that says so shows it, to be copied
const LINES = "input:not([type]), input[type=text], input[type=search], input[type=number], input[type=date], textarea";
let typed = [];

function keepTyped() {
  const fields = [...document.querySelectorAll(LINES)].filter((one) => one.value !== one.defaultValue);
  typed = fields.map((one) => [one.labels?.[0]?.textContent.trim() || one.name, one.value]);
}

function showTyped() {
  const place = document.getElementById("typed");
  if (!place || !typed.length) return;
  place.querySelector("dl").replaceChildren(...typed.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  place.hidden = false;
  typed = [];
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, boosted, requestConfig, target } = event.detail;
  if (xhr.status < 400) return;
  const wholePage = boosted || requestConfig?.boosted || target === document.body;
  const ours = xhr.response.includes('id="main"');
  // a part of a page was refused: show why in place of the whole page; a server that stumbles is asked again by itself
  if (ours && (wholePage || xhr.status < 500)) {
    keepTyped();
    event.detail.target = document.body;
    event.detail.swapOverride = "innerHTML";
  } else {
    event.detail.shouldSwap = false;
    tellNoAnswer();
  }
});

/** Nothing came back, or nothing that can be shown. */
export function tellNoAnswer() {
  document.getElementById("no-answer")?.removeAttribute("hidden");
  document.getElementById("waiting")?.setAttribute("hidden", "");
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== document.body) return;
  focusMain();
  showTyped();
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, tellNoAnswer);
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("no-answer")?.setAttribute("hidden", "");
});

/** Runs for the first page and for each one loaded into it. */
function look(part) {
  const carrier = part.matches?.("[data-session]") ? part : part.querySelector?.("[data-session]");
  if (carrier) {
    token = carrier.dataset.session;
    carrier.remove();
  }
  const asking = part.matches?.("[data-resume]") ? part : part.querySelector?.("[data-resume]");
  if (asking) resume(asking);
}

htmx.onLoad(look);
if (document.readyState !== "loading") look(document.body);
submitItself(document.body);
