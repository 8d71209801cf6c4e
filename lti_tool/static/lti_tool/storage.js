// The LMS's storage for tools (1EdTech LTI Client Side postMessages, lti-pm-s, lti-cs-pm), and this frame's own.

const PATIENCE_MS = 3000;
const AGAIN_MS = 400;

/** The frame that keeps data for tools; null where there is none. */
function frameOf(target) {
  if (window.parent === window) return null;
  if (target === "_parent") return window.parent;
  try {
    return window.parent.frames[target] || null;
  } catch {
    return null; // a frame of another site that does not exist
  }
}

/** Asks one frame of exactly one origin. Resolves to the answer; rejects on an error of the LMS, or when none comes. */
function ask(frame, origin, subject, fields, patience = PATIENCE_MS) {
  const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
  return new Promise((resolve, reject) => {
    const post = () => frame.postMessage({ subject, message_id: id, ...fields }, origin);
    const listen = (event) => {
      const said = event.data;
      if (event.origin !== origin || event.source !== frame || typeof said !== "object" || !said) return;
      if (said.subject !== `${subject}.response` || said.message_id !== id) return;
      end();
      if (said.error) reject(new Error(String(said.error.code || "error")));
      else resolve(said);
    };
    // the frame that answers may still be loading
    const repeat = setInterval(post, AGAIN_MS);
    const giveUp = setTimeout(() => { end(); reject(new Error("silent")); }, patience);
    const end = () => {
      clearInterval(repeat);
      clearTimeout(giveUp);
      window.removeEventListener("message", listen);
    };
    window.addEventListener("message", listen);
    post();
  });
}

class LmsStorage {
  constructor(frame, origin) { Object.assign(this, { frame, origin }); }
  async put(key, value) { await ask(this.frame, this.origin, "lti.put_data", { key, value }); }
  async get(key) { return (await ask(this.frame, this.origin, "lti.get_data", { key })).value || ""; }
}

/** The LMS's storage: in the frame that it named, else where its answer to lti.capabilities says; null where there is none. */
export async function lmsStorage(origin, target) {
  if (window.parent === window || !origin) return null;
  const named = target && frameOf(target);
  if (named) return new LmsStorage(named, origin);
  try {
    const said = await ask(window.parent, origin, "lti.capabilities", {}, 1000);
    const found = new Map((said.supported_messages || []).map((one) => [one.subject, one.frame || "_parent"]));
    if (!found.has("lti.put_data") || !found.has("lti.get_data")) return null;
    const frame = frameOf(found.get("lti.get_data"));
    return frame && new LmsStorage(frame, origin);
  } catch {
    return null;
  }
}

/** Keeps a few words over a reload: in this frame's own storage where the browser lets it, else in the LMS's. */
export class Keeper {
  constructor(lms) { this.lms = lms; }
  async put(key, value) {
    try {
      sessionStorage.setItem(key, value);
    } catch {
      await this.inLms((lms) => lms.put(key, value));
    }
  }
  async get(key) {
    try {
      const value = sessionStorage.getItem(key);
      if (value) return value;
    } catch { /* this browser lets a frame keep nothing */ }
    return (await this.inLms((lms) => lms.get(key))) || "";
  }
  async drop(key) {
    try {
      sessionStorage.removeItem(key);
    } catch { /* this browser lets a frame keep nothing */ }
    await this.inLms((lms) => lms.put(key, null));
  }
  async inLms(act) {
    try {
      const lms = await this.lms();
      return lms ? await act(lms) : "";
    } catch {
      return "";
    }
  }
}
