// The window that comes back from the LMS: hands its code to the page that opened it, of our own origin and no other's.
const PATIENCE_MS = 2000;
const AGAIN_MS = 250;

// the address holds what the LMS sent; it was used up, and need not stay in sight
history.replaceState(null, "", location.pathname);

const page = document.querySelector("[data-code]");
const byHand = document.getElementById("by-hand");
const handedOver = document.getElementById("handed-over");

function show(part, other) {
  other.hidden = true;
  part.hidden = false;
}

function handOver(opener) {
  const post = () => opener.postMessage({ subject: "gradesync.code", code: page.dataset.code }, location.origin);
  const repeat = setInterval(post, AGAIN_MS);
  const end = () => clearInterval(repeat);
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== opener) return;
    if (event.data?.subject !== "gradesync.code.taken") return;
    end();
    show(handedOver, byHand);
    window.close();
  });
  // nobody took it: the code is typed
  setTimeout(end, PATIENCE_MS);
  post();
}

if (page && window.opener) handOver(window.opener);
