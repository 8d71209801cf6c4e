// Between login and authentication: which store of this browser keeps our secret until the launch comes back?
import { lmsStorage } from "./storage.js";

const page = document.getElementById("check").dataset;

async function keepsCookies() {
  const body = new URLSearchParams({ state: page.state });
  try {
    const answer = await fetch(page.kept, { method: "POST", body, credentials: "same-origin" });
    return answer.ok && (await answer.json()).kept === "yes";
  } catch {
    return false;
  }
}

async function lmsKeeps() {
  try {
    const storage = await lmsStorage(page.storageOrigin, page.storageTarget);
    if (!storage) return false;
    await storage.put(page.key, page.secret);
    return true;
  } catch {
    return false;
  }
}

if ((await keepsCookies()) || (await lmsKeeps())) {
  window.location.replace(page.next);
} else {
  document.getElementById("waiting").hidden = true;
  document.getElementById("new-tab").hidden = false;
}
