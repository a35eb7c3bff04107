// Tests by platforms: a sign and a number each, folded by folders; a click filters.

import { VERDICTS, VERDICT_NAMES, VERDICT_SIGNS, el, number, visible } from './text.js';
import { show, state } from './state.js';
import { written } from './query.js';
import { commonDepth } from './facets.js';

// How bad each verdict is, by its number: the cell of a folder shows the worst.
const SEVERITY = [2, 1, 5, 4, 0, 3];
const ROWS_MAX = 2000;
// What histories say of a run, the worst first, and the verdict that it stands for.
const MARKS = 'F!?-.';
const MARK_VERDICTS = [2, 3, 0, 4, 1];

export class Matrix {
  constructor(data) {
    this.data = data;
    this.opened = new Map();
    this.element = el('div', { class: 'matrix' });
  }

  set(result, terms) {
    this.result = result;
    this.all = terms.length === 0;
    this.draw();
  }

  // The outcomes that have rows under the filter; all of them without one.
  outcomes() {
    const { attempt, outcome } = this.data;
    const list = [];
    for (let of = 0; of < outcome.test.length; of++) {
      let [count, broken] = [0, 0];
      for (let at = outcome.first[of]; at < outcome.first[of] + outcome.attempts[of]; at++) {
        count += this.result.attempts[at];
        broken += this.result.broken[at];
      }
      if (this.all || count > 0) list.push({ of, count, broken, test: outcome.test[of], platform: outcome.platform[of] });
    }
    return list;
  }

  tree(list) {
    const root = { name: '', path: '', children: new Map(), cells: new Map(), names: new Set(), outcomes: [] };
    const { tests, outcome } = this.data;
    for (const one of list) {
      const parts = tests[one.test].split('/').filter(Boolean);
      let node = root;
      add(node, one, outcome);
      for (const [place, part] of parts.entries()) {
        if (!node.children.has(part)) {
          node.children.set(part, { name: part, path: '/' + parts.slice(0, place + 1).join('/'), children: new Map(), cells: new Map(), names: new Set(), outcomes: [] });
        }
        node = node.children.get(part);
        add(node, one, outcome);
      }
    }
    return root;
  }

  draw() {
    const list = this.outcomes();
    const root = this.tree(list);
    const byRun = state.by === 'run' && this.data.head.changes !== null;
    const platforms = byRun ? this.runs() : [...new Set(list.map((one) => one.platform))].sort((a, b) => a - b);
    const cells = (node) => (byRun ? platforms.map((_, place) => this.mark(node, platforms.length - 1 - place)) : platforms.map((platform) => this.cell(node, platform)));
    const rows = [];
    const few = new Set(list.map((one) => one.test)).size <= 60;
    const depth = commonDepth(this.data.tests);
    const walk = (node, level) => {
      for (const child of node.children.values()) {
        if (rows.length >= ROWS_MAX) return;
        const only = child.children.size > 0 && level < depth - 1;
        const open = this.opened.get(child.path) ?? (few || only);
        rows.push(this.row(child, level, open, cells(child)));
        if (child.children.size && open) walk(child, level + 1);
      }
    };
    walk(root, 0);
    const heads = byRun ? platforms.map((run) => el('th', { scope: 'col', class: 'platform' }, el('span', {}, visible(run, 60)))) : platforms.map((platform) => el('th', { scope: 'col', class: 'platform' },
      el('button', { onclick: () => show({ view: 'results', q: written('platform', [this.data.platforms[platform] || 'none']) }) }, visible(this.data.platforms[platform] || 'nowhere', 60))));
    const all = (open) => {
      const each = (node) => node.children.forEach((child) => (this.opened.set(child.path, open), each(child)));
      each(root);
      this.draw();
    };
    this.element.replaceChildren(...[
      el('div', { class: 'bar' }, el('button', { onclick: () => all(true) }, 'Unfold all'), el('button', { onclick: () => all(false) }, 'Fold all'),
        this.data.head.changes && ['platform', 'run'].map((by) => el('button', { 'data-by': by, 'aria-pressed': String((by === 'run') === byRun), onclick: () => show({ by: by === 'run' ? by : '' }) }, 'by ' + by)),
        el('span', { class: 'legend' }, [1, 2, 3, 4, 5].map((verdict) => el('span', {}, el('i', { class: 'v-' + VERDICTS[verdict] }, VERDICT_SIGNS[verdict]), ' ', VERDICT_NAMES[verdict], ' ')))),
      el('div', { class: 'wide' }, el('table', {}, el('caption', { class: 'offscreen' }, 'Verdicts of tests by platform'),
        el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Test'), heads)), el('tbody', {}, rows))),
      list.length === 0 && el('p', { class: 'empty' }, 'No test matches.'),
      rows.length >= ROWS_MAX && el('p', {}, `The first ${ROWS_MAX} rows are shown; filter or fold to see the others.`),
    ].filter(Boolean));
  }

  // The names of the last runs that were compared, this one last: histories tell of so many.
  runs() {
    const { head, histories } = this.data;
    const most = histories.reduce((longest, one) => Math.max(longest, one.length), 1);
    return [...head.changes.runs.map(([name]) => name), head.run].slice(-most);
  }

  // What became of the tests of a row in the run that is so many before this one: the worst.
  mark(node, ago) {
    let worst = -1;
    for (const of of node.outcomes) {
      const history = this.data.histories[of + 1];
      const place = MARKS.indexOf(history[history.length - 1 - ago] || ' ');
      if (place >= 0 && (worst < 0 || place < worst)) worst = place;
    }
    if (worst < 0) return el('td', {}, '');
    const verdict = MARK_VERDICTS[worst];
    return el('td', {}, el('span', { class: 'v-' + VERDICTS[verdict], title: VERDICT_NAMES[verdict] }, VERDICT_SIGNS[verdict], el('span', { class: 'offscreen' }, VERDICT_NAMES[verdict])));
  }

  row(node, level, open, cells) {
    const folder = node.children.size > 0;
    const toggle = () => {
      this.opened.set(node.path, !open);
      this.draw();
    };
    const name = folder
      ? el('button', { 'aria-expanded': String(open), onclick: toggle }, open ? '▾ ' : '▸ ', visible(node.name, 80), el('small', {}, ' ' + number(node.names.size)))
      : el('button', { onclick: () => show({ view: 'results', q: written('test', [node.path]) }) }, visible(node.name, 80));
    const head = el('th', { scope: 'row', title: visible(node.path, 300) }, name);
    head.style.paddingLeft = 0.5 + level * 1 + 'rem';
    return el('tr', { class: folder ? 'folder' : null }, head, cells);
  }

  cell(node, platform) {
    const cell = node.cells.get(platform);
    if (!cell) return el('td', {}, '');
    const title = `${node.path} on ${this.data.platforms[platform] || 'no platform'}: ${VERDICT_NAMES[cell.verdict]}, ${cell.broken} of ${cell.count} results broken`;
    const terms = written('test', [node.path]) + ' ' + written('platform', [this.data.platforms[platform] || 'none']);
    const worst = cell.verdict === 2 || cell.verdict === 3;
    return el('td', {}, el('button', {
      class: 'v-' + VERDICTS[cell.verdict], title: visible(title, 400), 'aria-label': visible(title, 400),
      onclick: () => show({ view: 'results', q: terms }),
    }, VERDICT_SIGNS[cell.verdict], (cell.broken > 0 || worst) && el('small', {}, cell.broken || '')));
  }
}

function add(node, one, outcome) {
  const cell = node.cells.get(one.platform) || { verdict: outcome.verdict[one.of], count: 0, broken: 0 };
  if (SEVERITY[outcome.verdict[one.of]] > SEVERITY[cell.verdict]) cell.verdict = outcome.verdict[one.of];
  cell.count += one.count;
  cell.broken += one.broken;
  node.cells.set(one.platform, cell);
  node.names.add(one.test);
  node.outcomes.push(one.of);
}
