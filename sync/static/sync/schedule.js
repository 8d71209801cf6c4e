// A schedule that is not set yet is offered the time zone of this browser; any other can be chosen.
htmx.onLoad((part) => {
  for (const choice of part.querySelectorAll("select[data-own-zone]")) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (choice.value === "UTC" && [...choice.options].some((option) => option.value === here)) choice.value = here;
  }
});
