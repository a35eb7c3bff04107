// What changed since earlier runs.

import { KINDS, KIND_NAMES, duration, el, number, plural, visible } from './text.js';
import { show } from './state.js';
import { written } from './query.js';

const CHANGES_SHOWN = 100;

export function changesView(data) {
  const { changes } = data.head;
  const runs = changes.runs.map(([name]) => visible(name, 60)).join(', ');
  const rows = KINDS.slice(1).map((kind, place) => {
    const [tests, subtests] = changes.counts[place];
    const open = kind === 'removed' || tests + subtests === 0 ? null : () => show({ view: 'results', q: 'change:' + kind });
    return el('tr', {}, el('th', { scope: 'row' }, open ? el('button', { class: 'link', 'data-kind': kind, onclick: open }, KIND_NAMES[place + 1]) : KIND_NAMES[place + 1]),
      el('td', { class: 'count' }, number(tests)), el('td', { class: 'count' }, number(subtests)));
  });
  return el('div', { class: 'causes' }, el('h2', {}, 'Compared with ' + (changes.runs.length > 1 ? plural(changes.runs.length, 'run') + ': ' : ''), runs),
    el('table', { class: 'plain narrow' }, el('thead', {}, el('tr', {}, ['', 'Tests', 'Subtests'].map((name) => el('th', { scope: 'col' }, name)))), el('tbody', {}, rows)),
    KINDS.slice(1).map((_, place) => listed(data, place + 1)), slower(data), removed(data));
}

// The tests of a kind, with what they were over the runs.
function listed(data, kind) {
  const { outcome } = data;
  const list = [];
  for (let of = 0; of < outcome.test.length; of++) if (outcome.change[of] === kind) list.push(of);
  if (!list.length || KINDS[kind] === 'slower') return null;
  return el('section', {}, el('h3', {}, `Tests: ${KIND_NAMES[kind]} (${number(list.length)})`), el('ul', { class: 'changes' }, list.slice(0, CHANGES_SHOWN).map((of) => {
    const [test, platform] = [data.tests[outcome.test[of]], data.platforms[outcome.platform[of]]];
    const q = written('test', [test]) + (platform ? ' ' + written('platform', [platform]) : '');
    return el('li', {}, el('code', { class: 'history', title: 'oldest first' }, data.histories[of + 1]), ' ',
      el('button', { class: 'link', onclick: () => show({ view: 'results', q }) }, visible(test, 300)), platform && ' on ' + visible(platform, 80),
      outcome.note[of] > 0 && el('span', { class: 'quiet' }, ' ' + visible(data.notes[outcome.note[of]], 160)));
  })), list.length > CHANGES_SHOWN && el('p', {}, `and ${number(list.length - CHANGES_SHOWN)} more`));
}

function slower(data) {
  const { slower: list } = data.head.changes;
  return list.length > 0 && el('section', {}, el('h3', {}, `Tests that take longer (${number(list.length)})`), el('ul', { class: 'changes' }, list.slice(0, CHANGES_SHOWN).map(([test, platform, now, median]) =>
    el('li', {}, visible(data.tests[test], 300), ' on ', visible(data.platforms[platform], 80), `: ${duration(now)}, it used to be ${duration(median)}`))));
}

function removed(data) {
  const { removed: list } = data.head.changes;
  return list.length > 0 && el('section', {}, el('h3', {}, `Not there any more (${number(list.length)})`), el('ul', { class: 'changes' }, list.slice(0, CHANGES_SHOWN).map(([test, platform, subtest]) =>
    el('li', {}, visible(data.tests[test], 300), subtest > 0 && ': ' + visible(data.subtests[subtest], 200), platform > 0 && ' on ' + visible(data.platforms[platform], 80)))),
  list.length > CHANGES_SHOWN && el('p', {}, `and ${number(list.length - CHANGES_SHOWN)} more`));
}
