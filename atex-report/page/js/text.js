// Texts for people: hostile ones made visible, times, numbers; and elements, whose texts are never markup.

const CONTROL = /[\u0000-\u0008\u000b-\u001f]/g;
const HIDDEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

// Shows control characters, and those that turn the direction of writing around, as what they are.
export function visible(text, most = Infinity) {
  const cut = text.length > most ? text.slice(0, most) + '…' : text;
  return cut
    .replace(CONTROL, (one) => String.fromCharCode(0x2400 + one.charCodeAt(0)))
    .replace(HIDDEN, (one) => '[U+' + one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + ']');
}

// An element: its attributes, of which those that begin with "on" are listeners, and its children, which are texts or elements.
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  return fill(element, attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child.nodeType ? child : String(child));
  }
  return element;
}

// A name of which the end tells more than the beginning: where there is no room for all of it, its middle is left out.
export function tailed(text, most = 200) {
  const shown = visible(text, most);
  const slash = shown.lastIndexOf('/');
  const cut = slash > 0 ? slash : shown.length > 20 ? shown.length - 11 : 0;
  return cut > 0 ? el('span', { class: 'tailed' }, el('span', {}, shown.slice(0, cut)), el('span', {}, shown.slice(cut))) : shown;
}

// What a terminal would take for colours is left out of a log.
export function withoutColours(text) {
  return text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');
}

export function number(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function plural(count, one, many = one + 's') {
  return number(count) + ' ' + (count === 1 ? one : many);
}

export function duration(millis) {
  if (millis === null || millis === undefined) return '';
  if (millis < 1000) return millis + ' ms';
  const seconds = millis / 1000;
  if (seconds < 60) return (seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)) + ' s';
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return hours + ' h ' + String(minutes).padStart(2, '0') + ' min';
  return minutes + ' min ' + String(rest).padStart(2, '0') + ' s';
}

// What a shell takes as one word.
export function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
}

export const SIGNS = { pass: '✓', fail: '✗', error: '✗', infra: '!', warn: '△', info: 'i', skip: '–' };
export const VERDICTS = ['open', 'passed', 'failed', 'infra', 'skipped', 'not_run'];
export const VERDICT_NAMES = ['no verdict yet', 'passed', 'failed', 'infra', 'skipped', 'not run'];
export const VERDICT_SIGNS = ['…', '✓', '✗', '!', '–', '○'];
export const KINDS = ['', 'new_failure', 'still_failing', 'fixed', 'added', 'removed', 'undecided', 'flaky', 'slower'];
export const KIND_NAMES = ['', 'new failures', 'still failing', 'fixed', 'added', 'removed', 'undecided', 'flaky', 'slower'];

// The class of a status: one of those that everybody knows, else "other".
export function statusClass(status) {
  return Object.hasOwn(SIGNS, status) ? status : 'other';
}

export function badge(status) {
  const sign = SIGNS[statusClass(status)] || '?';
  return el('span', { class: 'badge s-' + statusClass(status) }, el('i', { 'aria-hidden': 'true' }, sign), visible(status || 'none', 20));
}

export function verdictBadge(verdict) {
  return el('span', { class: 'badge v-' + VERDICTS[verdict] }, el('i', { 'aria-hidden': 'true' }, VERDICT_SIGNS[verdict]), VERDICT_NAMES[verdict]);
}
