// Makes the pages quicker; none needs it. What a page shows always comes from the server whole.
import { initAll } from "../vendor/govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

const EACH_MILLISECONDS = 1000;
const watched = document.getElementById("watch");

// A running query, and an answer whose permit may end: when the state is another, load the page.
async function look() {
  const answer = await fetch(watched.dataset.address, { headers: { Accept: "application/json" } });
  if (answer.redirected || answer.status === 404) {
    location.reload();
    return;
  }
  if (answer.ok) {
    const { state, line } = await answer.json();
    if (state !== watched.dataset.state) {
      location.reload();
      return;
    }
    const progress = document.getElementById("progress");
    if (progress && progress.textContent !== line) progress.textContent = line;
  }
  setTimeout(again, EACH_MILLISECONDS);
}

function again() {
  look().catch(() => setTimeout(again, EACH_MILLISECONDS * 5));
}

if (watched) setTimeout(again, EACH_MILLISECONDS);

// A draft saves itself while it is written; without this, its button does.
const AFTER_MILLISECONDS = 1500;
const drafted = document.querySelector("form[data-autosave]");

async function autosave(form) {
  const said = document.getElementById("autosaved");
  const body = new FormData(form);
  body.set("do", "save");
  said.textContent = "Saving…";
  const answer = await fetch(location.href, { method: "POST", body, headers: { "X-Autosave": "1" } });
  if (answer.ok || answer.status === 409) {
    const outcome = await answer.json();
    said.textContent = outcome.said;
    if (outcome.saved) form.elements.seen.value = outcome.seen;
  } else {
    said.textContent = "Not saved. Use the button below.";
  }
}

if (drafted) {
  let waiting = 0;
  let saving = Promise.resolve();
  drafted.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      saving = saving.then(() => autosave(drafted)).catch(() => {
        document.getElementById("autosaved").textContent = "Not saved: there is no connection.";
      });
    }, AFTER_MILLISECONDS);
  });
  drafted.addEventListener("submit", () => clearTimeout(waiting));
}
