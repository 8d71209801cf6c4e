// In the frame: the window that this page opened brings its code, and the form below is sent as if it was typed.
window.addEventListener("message", (event) => {
  if (event.origin !== location.origin || event.data?.subject !== "gradesync.code") return;
  const form = document.querySelector("form[data-code-form]");
  const code = event.data.code;
  if (!form || typeof code !== "string" || form.elements.code.value === code) return;
  form.elements.code.value = code;
  event.source.postMessage({ subject: "gradesync.code.taken" }, event.origin);
  form.requestSubmit();
});
