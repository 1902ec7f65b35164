// Keeps the page current, and copies commands. The page is complete without it.
"use strict";

const LEAST_PAUSE = 700;

function wake(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

// A field that someone fills in must not disappear.
function isBusy() {
  const active = document.activeElement;
  const edited = [...document.querySelectorAll("main input, main textarea, main select")]
    .some((field) => field.type !== "hidden" && field.matches("input, textarea") && field.value !== field.defaultValue);
  return edited || (active && active.matches("input, textarea, select"));
}

async function refresh() {
  const address = new URL(location.href);
  address.searchParams.delete("done");
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (!response.ok || isBusy()) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const open = [...document.querySelectorAll("details[open]")].map(labelOf);
  const focused = labelOfControl(document.activeElement);
  // The notice of the last action stays: the action itself causes a refresh.
  const notice = document.querySelector("#main > .notice");
  if (notice) fresh.getElementById("main")?.prepend(notice.cloneNode(true));
  for (const id of ["clock", "main"]) {
    const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && now && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  }
  for (const details of document.querySelectorAll("details")) if (open.includes(labelOf(details))) details.open = true;
  const again = focused && [...document.querySelectorAll("a, button")].find((one) => labelOfControl(one) === focused);
  if (again && document.activeElement === document.body) again.focus();
  wake(document);
}

function labelOf(details) {
  return details.id || details.querySelector("summary")?.textContent;
}

function labelOfControl(control) {
  return control && control.matches("a, button") ? control.getAttribute("aria-label") || control.textContent : null;
}

let [waiting, pending] = [false, false];

async function changed() {
  pending = true;
  if (waiting) return;
  waiting = true;
  while (pending) {
    pending = false;
    await refresh().catch(() => {});
    await new Promise((resume) => { setTimeout(resume, LEAST_PAUSE); });
  }
  waiting = false;
}

wake(document);
const live = document.querySelector(".live");
const events = new EventSource(document.body.dataset.events);
// The page does not know what happened before the connection, or while it was lost.
events.onopen = () => { live.hidden = false; changed(); };
events.onerror = () => { live.hidden = true; };
for (const kind of ["call", "timer", "attempt", "moved", "changed"]) events.addEventListener(kind, changed);
