// LTI Dynamic Registration §3.6: tell the platform that its registration window may be closed. Nothing secret is sent.
// Where the page has something to read, it is closed by its button.
"use strict";
function finish() {
  (window.opener || window.parent).postMessage({ subject: "org.imsglobal.lti.close" }, "*");
}
const button = document.getElementById("close");
if (button) button.addEventListener("click", finish);
else finish();
