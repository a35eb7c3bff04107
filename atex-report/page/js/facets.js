// Facets: the values of a few fields, how many results each has under the filter, and a click to choose them.

import { KINDS, KIND_NAMES, el, number, tailed, visible } from './text.js';
import { show, state } from './state.js';
import { parse, toggled } from './query.js';
import { TIMES, remembered, tallied } from './filter.js';

const SHOWN = 10;
const TAILED = new Set(['platform', 'test']);
export const whole = new Set();

export class Facets {
  constructor(data) {
    this.data = data;
    this.element = el('aside', { class: 'facets', 'aria-label': 'Filters' });
  }

  set(result, terms) {
    const of = (field) => {
      const others = terms.filter((term) => term.field !== field);
      return others.length === terms.length ? result : remembered(this.data, others);
    };
    const parts = [this.statuses(of('status')), this.change(of('change')), this.waived(of('waived')),
      this.byAttempt('platform', 'Platform', of('platform')), this.folders(of('test')), this.tags(of('tag')), this.causes(of('cause')), this.subtests(of('subtest')),
      this.times(of('took')), this.attempts(terms), this.byAttempt('guest', 'System', of('guest'))];
    this.element.replaceChildren(...parts.filter(Boolean));
  }

  statuses(result) {
    const list = this.data.statuses.map((status, key) => [status, status || 'none', result.statuses[key]]);
    return this.facet('status', 'Status', list.sort((a, b) => b[2] - a[2]));
  }

  byAttempt(field, title, result) {
    const keys = this.data.attempt[field];
    const counts = new Map();
    result.attempts.forEach((count, at) => count && counts.set(keys[at], (counts.get(keys[at]) || 0) + count));
    const texts = this.data[field + 's'];
    return this.facet(field, title, [...counts].map(([key, count]) => [texts[key], texts[key] || 'none', count]).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  }

  // The folders that tests are in, by the first part of their names below what all have in common.
  folders(result) {
    const { attempt, tests } = this.data;
    const counts = new Map();
    result.attempts.forEach((count, at) => count && counts.set(attempt.test[at], (counts.get(attempt.test[at]) || 0) + count));
    const folders = new Map();
    const depth = commonDepth(tests);
    for (const [key, count] of counts) {
      const folder = tests[key].split('/').slice(0, depth + 1).join('/') || '/';
      folders.set(folder, (folders.get(folder) || 0) + count);
    }
    return this.facet('test', 'Test', [...folders].map(([folder, count]) => [folder, folder, count]).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  }

  change(result) {
    if (!this.data.head.changes) return null;
    const counts = tallied(this.data, result).change;
    return this.facet('change', 'Since before', KINDS.map((kind, key) => [kind, KIND_NAMES[key], counts[key]]).slice(1));
  }

  waived(result) {
    if (!this.data.head.waivers.length) return null;
    const count = result.count - tallied(this.data, result).waiver[0];
    return this.facet('waived', 'Known', [['yes', 'waived', count], ['no', 'not waived', result.count - count]]);
  }

  tags(result) {
    const counts = new Uint32Array(this.data.tests.length);
    result.attempts.forEach((count, at) => (counts[this.data.attempt.test[at]] += count));
    const sum = (tests) => tests.reduce((all, test) => all + counts[test], 0);
    return this.facet('tag', 'Tag', this.data.head.tags.map(([tag, tests]) => [tag, tag, sum(tests)]));
  }

  // What failures say, the most frequent first.
  causes(result) {
    const counts = tallied(this.data, result).cause;
    const list = this.data.head.causes.map(([text], place) => [String(place + 1), text, counts[place + 1]]).filter(([, , count]) => count > 0);
    return this.facet('cause', 'Cause', list.sort((a, b) => b[2] - a[2]));
  }

  subtests(result) {
    const counts = tallied(this.data, result).subtest;
    const keys = this.data.subtests.map((_, key) => key).filter((key) => key > 0 && counts[key] > 0);
    keys.sort((a, b) => counts[b] - counts[a] || a - b);
    return this.facet('subtest', 'Subtest', keys.map((key) => [this.data.subtests[key], this.data.subtests[key], counts[key]]));
  }

  times(result) {
    if (!this.data.timed) return null;
    const counts = tallied(this.data, result).times;
    return this.facet('took', 'Took', TIMES.map(([, value, label], place) => [value, label, counts[place]]));
  }

  // Which attempts: only the last of each test count, unless others are asked for.
  attempts(terms) {
    const { attempt, attempts } = this.data;
    if (attempt.last.every((last) => last)) return null;
    const all = remembered(this.data, [...terms.filter((term) => term.field !== 'attempt'), ...parse('attempt:all').terms]);
    let [last, every] = [0, 0];
    for (let at = 0; at < attempts; at++) {
      last += attempt.last[at] * all.attempts[at];
      every += all.attempts[at];
    }
    return this.facet('attempt', 'Attempts', [['last', 'last of each', last], ['all', 'all', every]]);
  }

  facet(field, title, list) {
    const chosen = new Set(parse(state.q).terms.filter((term) => term.field === field && !term.no).flatMap((term) => term.values.map((one) => one.text)));
    const values = list.filter(([value, , count]) => count > 0 || chosen.has(value));
    if (values.length < 2 && chosen.size === 0) return null;
    const shown = whole.has(field) ? values.slice(0, 500) : values.slice(0, SHOWN);
    const more = () => {
      whole.add(field);
      this.element.querySelector(`[data-facet=${field}]`).replaceWith(this.facet(field, title, list));
    };
    return el('section', { 'data-facet': field }, el('h2', {}, title), el('ul', {}, shown.map(([value, label, count]) => el('li', {},
      el('button', { 'aria-pressed': String(chosen.has(value)), 'data-value': value, onclick: () => show({ q: toggled(state.q, field, value || 'none') }) },
        el('span', { title: visible(label, 300) }, TAILED.has(field) ? tailed(label, 120) : visible(label, 120)), el('b', {}, number(count)))))),
    values.length > shown.length && el('button', { class: 'more', onclick: more }, `all ${values.length}`));
  }
}

// How many parts all names have in common at their beginning.
export function commonDepth(names) {
  let common = null;
  for (const name of names.slice(1)) {
    const folders = name.split('/').slice(0, -1);
    if (common === null) common = folders;
    while (common.some((part, place) => part !== folders[place])) common = common.slice(0, -1);
  }
  return Math.max(1, common ? common.length : 1);
}
