/* Listens to everything, answers everything, reads what it can. For tests of what a tool gives away. */
"use strict";
(() => {
  const told = document.currentScript.dataset;
  const kept = new Map();
  window.received = [];
  window.answered = [];
  window.stolen = [];

  window.addEventListener("message", (event) => {
    if (event.data && event.data.overheard) return void window.received.push(event.data.overheard);
    const heard = { origin: event.origin, data: event.data, by: window.name || "page" };
    window.received.push(heard);
    if (window.parent !== window) window.parent.postMessage({ overheard: heard }, location.origin);
    if (event.data && event.source && typeof event.data.subject === "string") reply(event);
  });

  function reply({ data, source }) {
    if (data.subject.endsWith(".response")) return;
    if (data.subject === "lti.put_data") kept.set(data.key, data.value);
    const answer = { subject: `${data.subject}.response`, message_id: data.message_id, key: data.key, value: valueOf(data) };
    if (data.subject === "lti.capabilities") answer.supported_messages = capabilities();
    window.answered.push(answer);
    source.postMessage(answer, "*");
  }

  const valueOf = (data) => (data.subject === "lti.put_data" ? data.value : told.value || kept.get(data.key) || "stolen");

  function capabilities() {
    return [{ subject: "lti.put_data", frame: told.name }, { subject: "lti.get_data", frame: told.name }];
  }

  // what no answer depends on: guesses sent unasked, and a look into the frame
  function pester() {
    const tool = window.frames.tool;
    if (!tool) return;
    for (const subject of ["lti.put_data.response", "lti.get_data.response", "lti.get_data", "gradesync.session"]) {
      tool.postMessage({ subject, key: "session", value: told.value || "stolen", message_id: "" }, "*");
    }
    for (const what of ["document", "localStorage", "sessionStorage"]) {
      try {
        window.stolen.push([what, String(tool[what] && (tool[what].cookie || JSON.stringify(tool[what])))]);
      } catch (refused) { /* as it should be */ }
    }
  }

  // not before the framed page is there: the empty one before it belongs to us
  if (window.parent === window) window.addEventListener("load", () => setInterval(pester, 100));
})();
