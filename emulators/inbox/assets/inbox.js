// Renews the list in place, so that scrolling, the search field and what is typed there stay.
const PERIOD_MS = 3000;
const list = document.querySelector('#list[data-refresh]');

async function refresh() {
  if (!list || document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.querySelector('#list');
  if (!fresh || fresh.innerHTML === list.innerHTML) return;
  const focused = document.activeElement?.getAttribute('href');
  list.replaceChildren(...fresh.childNodes);
  if (focused) focusLink(focused);
}

/** Replacing the rows takes the focus with them; give it back to the same mail. @param {string} href */
function focusLink(href) {
  const link = list?.querySelector(`a[href="${CSS.escape(href)}"]`);
  if (link instanceof HTMLElement) link.focus({ preventScroll: true });
}

// A missed renewal needs no word: the next one comes in seconds, and the old list stays readable.
if (list) setInterval(() => refresh().catch(() => undefined), PERIOD_MS);
