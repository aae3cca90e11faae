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
