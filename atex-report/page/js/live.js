// A page that is written again while its run goes on: it loads itself again, and everything is where it was.

import { el } from './text.js';

const KEY = 'atex-report';

// What was kept when the page last loaded itself again, once.
export function kept(run) {
  try {
    const all = JSON.parse(sessionStorage.getItem(KEY) || 'null');
    sessionStorage.removeItem(KEY);
    return all?.run === run ? all : {};
  } catch {
    return {};
  }
}

// A box to switch it off; nobody is disturbed who types, reads a dialog, or has marked a text.
export function liveBox(refresh, keep) {
  const box = el('input', { type: 'checkbox' });
  box.checked = true;
  const busy = () => document.hidden || document.querySelector('dialog, details[open]') || document.activeElement?.matches('input[type=search]') || String(getSelection()) !== '';
  const look = () => {
    if (!box.checked || busy()) return;
    try {
      sessionStorage.setItem(KEY, JSON.stringify(keep()));
    } catch {
      // Then the list begins at its top again.
    }
    location.reload();
  };
  setInterval(look, refresh * 1000);
  return el('label', { class: 'live', title: 'loads the page again, which is written while the run goes on' }, box, ` live, every ${refresh} s`);
}
