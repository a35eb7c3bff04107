// Looks into a file of a test without leaving the page: in a frame that may run nothing and lead nowhere.

import { el, visible, withoutColours } from './text.js';

// What browsers show as it is, whatever is in it. Anything else opens in a tab of its own, or is saved.
const VIEWED = /\.(txt|log|out|err|json|png|jpe?g|gif|webp)$/i;

export function canView(file) {
  return VIEWED.test(file);
}

export function view(file, link) {
  const frame = el('iframe', { src: link, sandbox: '', title: visible(file, 200), referrerpolicy: 'no-referrer' });
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const dialog = el('dialog', { class: 'viewer', 'aria-label': 'File ' + visible(file, 200), onclose: () => dialog.remove(), onclick: (event) => event.target === dialog && close() },
    el('div', { class: 'bar' }, el('h2', {}, visible(file, 200)), el('span', { class: 'grow' }), el('a', { href: link, target: '_blank', rel: 'noreferrer' }, 'in a tab of its own'),
      el('button', { onclick: close, 'aria-label': 'close (Esc)', title: 'close (Esc)' }, '✕')),
    el('p', { class: 'quiet' }, 'Nothing here? The file lies in the folder of the run, and is not where this page expects it.'), frame);
  document.body.append(dialog);
  dialog.showModal();
}

// The end of a log that the page carries.
export function tail({ file, text }) {
  const box = el('pre', { class: 'note log', tabindex: '0', 'aria-label': 'end of ' + visible(file, 100) }, visible(withoutColours(text)));
  requestAnimationFrame(() => (box.scrollTop = box.scrollHeight));
  return el('section', {}, el('h3', {}, 'End of ', visible(file, 100)), box);
}
