// Puts the page together: reads the data, draws what the address says, and listens to keys.

import { el, number, plural, visible } from './text.js';
import { unpack } from './data.js';
import { fromSql } from './sql.js';
import { parse } from './query.js';
import { remembered, sorted } from './filter.js';
import { fromAddress, nameRowsBy, onChange, show, state, told } from './state.js';
import { csv, copyText, jsonLines, markdown, saveText } from './copy.js';
import { pageHead } from './head.js';
import { List } from './list.js';
import { Facets, whole } from './facets.js';
import { kept, liveBox } from './live.js';
import { Details } from './details.js';
import { Matrix } from './matrix.js';
import { Causes, infraView, waiverView } from './causes.js';
import { Timeline } from './timeline.js';
import { changesView } from './changes.js';

const KEYS = [['/', 'search'], ['j, k', 'next, previous result'], ['Enter', 'to the details'], ['Esc', 'close, leave, clear'], ['1 – 7', 'views'], ['f', 'only what is broken'], ['t', 'light, dark'], ['?', 'this list']];
const COPY_MAX = 100000;

class Page {
  constructor(data) {
    this.data = data;
    this.list = new List(data);
    this.facets = new Facets(data);
    this.details = new Details(data);
    this.matrix = new Matrix(data);
    this.views = this.allViews();
    this.search = el('input', {
      type: 'search', id: 'q', placeholder: 'Search, or status:fail platform:centos*', 'aria-label': 'Filter', spellcheck: 'false', autocomplete: 'off',
      oninput: () => show({ q: this.search.value }, false), title: 'words, /expressions/, field:value,value, -not; fields: status platform test subtest note guest file attempt verdict took cause change waived flaky tag',
    });
    this.count = el('output', { class: 'count', for: 'q' });
    this.problem = el('p', { class: 'problem', role: 'alert', hidden: true });
    this.tabs = el('div', { role: 'tablist', class: 'tabs', 'aria-label': 'Views' });
    this.place = el('section', { class: 'view', id: 'view', role: 'tabpanel' });
  }

  // A view: its name in addresses, its title, and its element, made when it is first shown.
  allViews() {
    const { head } = this.data;
    const once = (make) => {
      let made = null;
      return () => (made ||= make());
    };
    const infra = (head.remotes || []).some((remote) => remote.failure) || head.causes.some((cause) => cause[1]) || (head.remotes || []).length > 0;
    return [
      ['results', 'Results', () => this.list.element],
      ['matrix', 'Matrix', () => this.matrix.element],
      ['causes', 'Causes', once(() => new Causes(this.data).element)],
      head.changes && ['changes', 'Changes', once(() => changesView(this.data))],
      head.lanes && ['timeline', 'Timeline', once(() => new Timeline(this.data).element)],
      infra && ['infra', 'Infrastructure', once(() => infraView(this.data))],
      head.waivers.length > 0 && ['waivers', 'Waivers', once(() => waiverView(this.data))],
    ].filter(Boolean);
  }

  build() {
    const filters = el('button', { class: 'only-narrow', 'aria-expanded': 'false', onclick: () => {
      const open = this.facets.element.classList.toggle('shown');
      filters.setAttribute('aria-expanded', String(open));
    } }, 'Filters');
    this.head = pageHead(this.data);
    return [
      this.head,
      el('div', { class: 'bar main' }, this.tabs, el('span', { class: 'grow' }), this.live(), this.exports(),
        el('button', { onclick: toggleTheme, title: 'light or dark (t)', 'aria-label': 'light or dark' }, '◐'),
        el('button', { onclick: () => this.help(), title: 'keys (?)', 'aria-label': 'keys' }, '?')),
      el('div', { class: 'bar search' }, this.search, el('button', { onclick: () => show({ q: '', sort: '' }), title: 'no filter' }, 'Clear'), filters, this.count),
      this.problem,
      el('div', { class: 'body' }, this.facets.element, this.place, this.details.element),
    ];
  }

  live() {
    const { refresh } = this.data.head;
    if (!refresh) return null;
    return liveBox(refresh, () => ({
      run: this.data.head.run, first: this.list.first, theme: document.documentElement.dataset.theme, opened: [...this.matrix.opened], whole: [...whole],
      scrolled: [this.facets.element.scrollTop, this.place.firstElementChild?.scrollTop || 0, this.details.element.scrollTop, scrollY],
    }));
  }

  // What was kept when the page loaded itself again.
  take(before) {
    if (before.theme) document.documentElement.dataset.theme = before.theme;
    for (const [path, open] of before.opened || []) this.matrix.opened.set(path, open);
    for (const field of before.whole || []) whole.add(field);
  }

  // And where everything was.
  returnTo({ first, scrolled }) {
    if (!scrolled) return;
    if (first > 0) this.list.moveTo(first);
    const [facets, view, details, all] = scrolled;
    requestAnimationFrame(() => setTimeout(() => (this.facets.element.scrollTop = facets)));
    if (state.view !== 'results' && this.place.firstElementChild) this.place.firstElementChild.scrollTop = view;
    this.details.element.scrollTop = details;
    scrollTo(0, all);
  }

  exports() {
    const make = { Markdown: [markdown, 'md', 'text/markdown'], CSV: [csv, 'csv', 'text/csv'], 'JSON lines': [jsonLines, 'jsonl', 'application/jsonl'] };
    const run = (name, save) => {
      const [form, end, type] = make[name];
      const many = save ? this.rows : this.rows.subarray(0, COPY_MAX);
      const text = form(this.data, many, `${this.data.head.run}${state.q ? ', ' + state.q : ''}`);
      if (save) saveText(text, `${this.data.head.run.replace(/[^\w.-]/g, '_')}.${end}`, type);
      else copyText(text).then(() => this.say(`${plural(name === 'Markdown' ? Math.min(many.length, 500) : many.length, 'result')} copied`));
    };
    const items = Object.keys(make).map((name) => el('li', {}, name, ' ', el('button', { 'data-copy': name, onclick: () => run(name, false) }, 'Copy'), ' ', el('button', { onclick: () => run(name, true) }, 'Save')));
    return el('details', { class: 'menu' }, el('summary', {}, 'Export'), el('ul', {}, items));
  }

  say(text) {
    const toast = el('div', { class: 'toast', role: 'status' }, text);
    document.body.append(toast);
    setTimeout(() => toast.remove(), 2500);
  }

  help() {
    const dialog = el('dialog', { onclose: () => dialog.remove() }, el('h2', {}, 'Keys'), el('dl', {}, KEYS.map(([key, what]) => el('div', {}, el('dt', {}, el('kbd', {}, key)), el('dd', {}, what)))),
      el('h2', {}, 'Filters'), el('p', {}, 'Words are looked for in names and notes; several must all be there. ', el('code', {}, '"two words"'), ', ', el('code', {}, '/an expression/'), ', ', el('code', {}, 'status:fail,error'), ', ', el('code', {}, 'platform:centos*'), ', ', el('code', {}, 'test:/net'), ', ', el('code', {}, '-note:timeout'), ', ', el('code', {}, 'took:>30s'), ', ', el('code', {}, 'took:1m..10m'), ', ', el('code', {}, 'tag:smoke'), ', ', el('code', {}, 'attempt:all'), '.'),
      el('form', { method: 'dialog' }, el('button', {}, 'Close')));
    document.body.append(dialog);
    dialog.showModal();
  }

  // Draws what changed.
  update(before) {
    const from = performance.now();
    const waivers = !before || before.waivers !== state.waivers;
    if (waivers) this.waivers();
    if (waivers || before.q !== state.q) this.filter();
    if (waivers || before.q !== state.q || before.sort !== state.sort) this.sort();
    if (!before || before.view !== state.view || before.by !== state.by) this.view();
    if (waivers || before.row !== state.row) {
      this.details.set();
      if (before && state.view === 'results') {
        this.list.forget();
        this.list.draw();
      }
      document.body.classList.toggle('detailed', !this.details.element.hidden);
    }
    document.body.dataset.took = (performance.now() - from).toFixed(1);
  }

  // As if there were none, or as they are.
  waivers() {
    const { data } = this;
    data.row.waiver = data.waivers[state.waivers === 'off' ? 1 : 0];
    data.remembered?.clear();
    const head = pageHead(data);
    this.head.replaceWith(head);
    this.head = head;
  }

  filter() {
    const { terms, problems } = parse(state.q);
    if (this.search.value !== state.q) this.search.value = state.q;
    this.problem.hidden = problems.length === 0;
    this.problem.textContent = problems.map((problem) => visible(problem, 200)).join('; ');
    this.result = remembered(this.data, terms);
    this.terms = terms;
    this.facetsLater();
    if (state.view === 'matrix') this.matrix.set(this.result, terms);
    const all = this.data.rows;
    this.count.textContent = `${number(this.result.count)} of ${plural(all, 'result')}`;
  }

  // The facets follow when what was asked for has been painted, so that nobody who types waits for them.
  facetsLater() {
    document.body.dataset.facets = 'old';
    cancelAnimationFrame(this.later);
    clearTimeout(this.soon);
    this.later = requestAnimationFrame(() => {
      this.soon = setTimeout(() => {
        this.facets.set(this.result, this.terms);
        document.body.dataset.facets = 'new';
      });
    });
  }

  sort() {
    const column = state.sort.replace('-', '');
    this.rows = sorted(this.data, this.result.rows, column, state.sort.startsWith('-'));
    this.list.set(this.rows);
  }

  view() {
    const [name, , make] = this.views.find(([one]) => one === state.view) || this.views[0];
    if (name === 'matrix') this.matrix.set(this.result, this.terms);
    this.place.replaceChildren(make());
    this.place.dataset.view = name;
    const filters = name === 'results' || name === 'matrix';
    document.body.classList.toggle('unfiltered', !filters);
    this.tabs.replaceChildren(...this.views.map(([one, title], place) => el('button', {
      role: 'tab', 'aria-selected': String(one === name), 'aria-controls': 'view', title: `${title} (${place + 1})`, 'data-view': one, onclick: () => show({ view: one }),
    }, title)));
    if (name === 'results') this.list.set(this.rows);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog')) return;
    const typing = event.target.closest('input, textarea, select');
    if (event.key === 'Escape') {
      if (typing) typing.blur();
      else if (state.row !== '') show({ row: '' });
      else if (state.q !== '') show({ q: '' });
      return;
    }
    if (typing) {
      if (event.key === 'Enter') typing.blur();
      return;
    }
    const onButton = event.target.closest('button, a, summary');
    const view = this.views[Number(event.key) - 1];
    const keys = {
      '/': () => this.search.select(),
      j: () => this.list.step(1),
      k: () => this.list.step(-1),
      ArrowDown: () => this.list.step(1),
      ArrowUp: () => this.list.step(-1),
      PageDown: () => this.list.step(this.list.seen - 2),
      PageUp: () => this.list.step(2 - this.list.seen),
      Home: () => this.list.step(-Infinity),
      End: () => this.list.step(Infinity),
      Enter: onButton ? null : () => this.details.element.focus(),
      f: () => show({ view: 'results', q: 'status:fail,error,infra' }),
      t: toggleTheme,
      '?': () => this.help(),
    };
    const moves = /^(j|k|Arrow|Page|Home|End)/.test(event.key);
    const inList = state.view === 'results' && (!event.target.closest('.details, .facets') || event.key.length === 1);
    const act = view ? () => show({ view: view[0] }) : moves && !inList ? null : Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
}

// A row by what it is: test, platform, attempt, subtest, and which of several that are called the same.
function rowNames(data) {
  const { attempt, row } = data;
  const same = (at) => {
    const number = row.attempt[at];
    const before = row.subtest.subarray(attempt.begin[number], at);
    return before.reduce((count, one) => count + (one === row.subtest[at]), 0);
  };
  const name = (text) => {
    const at = Number(text);
    if (text === '' || !(at < data.rows)) return '';
    const number = row.attempt[at];
    const parts = [data.tests[attempt.test[number]], data.platforms[attempt.platform[number]], attempt.number[number], data.subtests[row.subtest[at]], same(at) || ''];
    return parts.map((part) => String(part).replace(/[%~]/g, encodeURIComponent).replaceAll('~', '%7E')).join('~').replace(/~+$/, '');
  };
  const find = (text) => {
    const [test, platform, many, subtest = '', which = '0'] = text.split('~').map(decoded);
    const [testKey, platformKey, subtestKey] = [data.tests.indexOf(test), data.platforms.indexOf(platform), data.subtests.indexOf(subtest)];
    for (let number = 0; number < data.attempts; number++) {
      if (attempt.test[number] !== testKey || attempt.platform[number] !== platformKey || attempt.number[number] !== Number(many)) continue;
      let left = Number(which);
      for (let at = attempt.begin[number]; at < attempt.begin[number + 1]; at++) if (row.subtest[at] === subtestKey && left-- === 0) return String(at);
    }
    return '';
  };
  return [name, find];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A filter of an older page, in the part of the address after the question mark.
function oldFilter(page) {
  const old = new URLSearchParams(location.search).get('q');
  if (!old || state.q) return;
  const q = fromSql(old);
  if (q === null) page.say('the filter of this link cannot be translated: ' + visible(old, 200));
  else state.q = q;
}

async function start() {
  const source = document.getElementById('d');
  const data = await unpack(source.textContent.trim());
  source.remove();
  nameRowsBy(...rowNames(data));
  const page = new Page(data);
  fromAddress();
  oldFilter(page);
  const before = kept(data.head.run);
  page.take(before);
  const app = document.getElementById('app');
  app.append(...page.build().filter(Boolean));
  document.getElementById('static').remove();
  app.hidden = false;
  document.body.classList.toggle('one-platform', data.platforms.length <= 2);
  page.update(null);
  if (state.row !== '' && page.list.place >= 0) page.list.reveal(page.list.place);
  page.returnTo(before);
  onChange((before) => page.update(before));
  window.addEventListener('popstate', () => {
    const before = { ...state };
    fromAddress();
    told(before);
  });
  document.addEventListener('keydown', (event) => page.key(event));
  document.body.dataset.ready = 'yes';
}

if (typeof document !== 'undefined') {
  start().catch((error) => {
    document.getElementById('static').prepend(el('p', { class: 'problem', role: 'alert' }, 'This browser cannot show more than the summary: ' + error.message));
  });
}
