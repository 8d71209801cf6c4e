/* LTI postMessage Storage 0.1, the platform's side: what one tool stored, no other origin reads. */
"use strict";
(() => {
  const told = document.currentScript.dataset;
  const SUBJECTS = ["lti.capabilities", "lti.put_data", "lti.get_data"];
  const KEPT_MS = 60 * 60 * 1000, MOST_KEYS = 20, LONGEST = 4096;
  const struck = (fault, subject) => (told[fault] || "").split(" ").includes(subject);

  window.addEventListener("message", (event) => {
    const asked = event.data;
    if (!asked || typeof asked !== "object" || !event.source || !SUBJECTS.includes(asked.subject)) return;
    // the page beside a storage frame only says where that frame is
    if (told.keeps !== "yes" && asked.subject !== "lti.capabilities") return;
    // from a frame without an origin of its own, and to it, nothing can be kept apart
    if (event.origin === "null" || struck("silent", asked.subject)) return;
    const answer = { subject: `${asked.subject}.response`, message_id: asked.message_id, ...answerTo(asked, event.origin) };
    setTimeout(() => event.source.postMessage(answer, event.origin), Number(told.late || 0));
  });

  function answerTo(asked, origin) {
    if (asked.subject === "lti.capabilities") return { supported_messages: SUBJECTS.map(supported) };
    if (struck("error", asked.subject)) return failed("storage_exhaustion", "The sandbox was told to fail.");
    if (!isText(asked.message_id) || !isText(asked.key)) return failed("bad_request", "key and message_id must be text.");
    return asked.subject === "lti.put_data" ? put(asked, origin) : got(asked, origin);
  }

  function supported(subject) {
    return told.frame && subject !== "lti.capabilities" ? { subject, frame: told.frame } : { subject };
  }

  function put({ key, value }, origin) {
    const kept = read(origin);
    if (value === null || value === undefined) {
      delete kept[key];
    } else if (typeof value !== "string") {
      return failed("bad_request", "value must be text.");
    } else if (value.length > LONGEST || (!(key in kept) && Object.keys(kept).length >= MOST_KEYS)) {
      return failed("storage_exhaustion", "Too much for one tool.");
    } else {
      kept[key] = { value, until: Date.now() + KEPT_MS };
    }
    localStorage.setItem(place(origin), JSON.stringify(kept));
    return { key, value: value === undefined ? null : value };
  }

  function got({ key }, origin) {
    const kept = read(origin);
    const value = key in kept ? kept[key].value : null;
    return { key, value: struck("wrong", "lti.get_data") ? "somebody-elses" : value };
  }

  function read(origin) {
    const all = JSON.parse(localStorage.getItem(place(origin)) || "{}");
    const alive = Object.entries(all).filter(([, entry]) => entry.until > Date.now());
    // without a prototype, so that a key named like a method of objects is an ordinary key
    return Object.assign(Object.create(null), Object.fromEntries(alive));
  }

  const place = (origin) => `lti-storage ${origin}`;
  const isText = (value) => typeof value === "string" && value !== "";
  const failed = (code, message) => ({ error: { code, message } });
})();
