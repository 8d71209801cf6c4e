// LTI Dynamic Registration §3.6: tell the platform that its registration window may be closed. Nothing secret is sent.
"use strict";
(window.opener || window.parent).postMessage({ subject: "org.imsglobal.lti.close" }, "*");
