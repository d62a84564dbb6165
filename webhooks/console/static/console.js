// What scripts add to pages that work without them: dialogs in place, keys, and quiet refreshing.
"use strict";

(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog");

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    const dialog = link && document.getElementById(link.dataset.dialog);
    if (!dialog || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    dialog.showModal();
    dialog.querySelector("textarea, input:not([type=hidden]), select")?.focus();
  });

  // A second click must not decide a second time.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter?.formMethod === "dialog" || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  const step = (by) => {
    const rows = [...document.querySelectorAll("a.row-link")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") {
      const search = document.querySelector("main input[type=search], .filters input");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  // A page that nobody sees, or whose question is open, asks for nothing.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const inside = event.target;
    if (document.hidden || inside.querySelector?.("dialog[open]")) event.preventDefault();
  });
  // Whoever watches a page must know when it stands still.
  const stale = (yes) => {
    const said = document.getElementById("stale");
    if (said) said.hidden = !yes;
  };
  for (const trouble of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(trouble, () => stale(true));
  }
  document.addEventListener("htmx:afterSwap", () => stale(false));
  // What was unfolded stays unfolded, and what had the focus keeps it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    const open = [...target.querySelectorAll("details[open][id]")].map((one) => one.id);
    const focused = target.contains(document.activeElement) ? document.activeElement.id : "";
    document.addEventListener("htmx:afterSettle", () => {
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus();
    }, { once: true });
  });
})();
