// The list of results: only those rows that can be seen are elements, however many there are.

import { badge, duration, el, number, plural, tailed, visible } from './text.js';
import { show, state } from './state.js';

// Browsers cannot lay out more than some millions of pixels; a longer list moves faster than the bar.
const HEIGHT_MAX = 8000000;
// Rows that are printed; the others are in the export.
const PRINTED_MAX = 1000;
const COLUMNS = [
  ['status', 'Status'], ['test', 'Test'], ['subtest', 'Subtest'], ['platform', 'Platform'], ['note', 'Note'], ['took', 'Took'],
];

export class List {
  constructor(data) {
    this.data = data;
    this.rows = new Uint32Array(0);
    this.first = 0;
    this.spacer = el('div', { class: 'spacer' });
    this.window = el('div', { class: 'window', role: 'rowgroup' });
    this.scroller = el('div', { class: 'scroller', onscroll: () => this.scrolled() }, this.spacer, this.window);
    this.header = el('div', { class: 'row header', role: 'row' });
    this.empty = el('p', { class: 'empty', hidden: true }, 'No result matches.');
    this.element = el('div', { class: 'list', role: 'table', 'aria-label': 'Results', tabindex: '0' },
      el('div', { role: 'rowgroup' }, this.header), this.scroller, this.empty);
    this.window.addEventListener('click', (event) => {
      const row = event.target.closest('[data-at]');
      if (row && !event.target.closest('a')) show({ row: row.dataset.at });
    });
    this.wanted = null;
    // On paper, nobody scrolls.
    window.addEventListener('beforeprint', () => this.draw(0, Math.min(this.rows.length, PRINTED_MAX)));
    window.addEventListener('afterprint', () => this.draw());
    // Rows by their place in the list: those that stay in sight are kept.
    this.drawn = new Map();
    // How high the part is that can be seen, and where it is scrolled to: asking for these while drawing would make the browser lay out
    // everything each time.
    [this.height, this.top, this.length] = [600, 0, 0];
    new ResizeObserver(() => {
      this.height = this.scroller.clientHeight;
      this.draw();
    }).observe(this.scroller);
  }

  get rowHeight() {
    return matchMedia('(max-width: 700px)').matches ? 58 : 28;
  }

  get seen() {
    return Math.max(1, Math.ceil(this.height / this.rowHeight));
  }

  set(rows, first = 0) {
    this.rows = rows;
    this.element.setAttribute('aria-rowcount', String(rows.length + 1));
    this.empty.hidden = rows.length > 0;
    this.length = Math.min(rows.length * this.rowHeight, HEIGHT_MAX);
    this.spacer.style.height = this.length + 'px';
    this.heading();
    this.forget();
    this.moveTo(first);
  }

  heading() {
    const [column, down] = [state.sort.replace('-', ''), state.sort.startsWith('-')];
    this.header.replaceChildren(...COLUMNS.map(([name, label]) => el('span', {
      class: 'cell c-' + name, role: 'columnheader', 'aria-sort': name !== column ? 'none' : down ? 'descending' : 'ascending',
    }, el('button', { 'data-sort': name, onclick: () => this.sort(name) }, label, name === column && (down ? ' ▾' : ' ▴')))));
  }

  // First as things are usually wanted, then the other way round, then as they came.
  sort(name) {
    const first = name === 'took' ? '-took' : name;
    const other = name === 'took' ? 'took' : '-' + name;
    show({ sort: state.sort === first ? other : state.sort === other ? '' : first });
  }

  scrolled() {
    this.top = this.scroller.scrollTop;
    // What was asked for stays, if it is only the bar that followed.
    if (this.wanted !== null && Math.abs(this.top - this.wanted) < 2) {
      this.wanted = null;
      return;
    }
    const range = this.length - this.height;
    const share = range > 0 ? Math.min(1, this.top / range) : 0;
    const height = this.rows.length * this.rowHeight - this.height;
    this.first = height > 0 ? (share * height) / this.rowHeight : 0;
    if (!this.drawing) this.drawing = requestAnimationFrame(() => this.draw());
  }

  // Brings a place of the list to the top, as far as that goes.
  moveTo(place) {
    const last = Math.max(0, this.rows.length - this.height / this.rowHeight);
    this.first = Math.min(Math.max(place, 0), last);
    const range = this.length - this.height;
    this.wanted = range > 0 && last > 0 ? (this.first / last) * range : 0;
    if (Math.abs(this.top - this.wanted) < 1) this.wanted = null;
    else {
      this.scroller.scrollTop = this.wanted;
      this.top = this.wanted;
    }
    this.draw();
  }

  reveal(place) {
    if (place < this.first + 1) this.moveTo(place - 1);
    else if (place > this.first + this.seen - 3) this.moveTo(place - this.seen + 3);
    else this.draw();
  }

  // The place in the list of the row that is open, or -1.
  get place() {
    return state.row === '' ? -1 : this.rows.indexOf(Number(state.row));
  }

  step(by) {
    if (this.rows.length === 0) return;
    const now = this.place;
    const begin = now < 0 && Number.isFinite(by) ? Math.floor(this.first) : Math.max(now, 0) + by;
    const place = Math.min(Math.max(begin, 0), this.rows.length - 1);
    show({ row: String(this.rows[place]) }, false);
    this.reveal(place);
  }

  // Has all rows made again, because something else is to be seen in them.
  forget() {
    this.drawn.clear();
    this.window.replaceChildren();
  }

  draw(from = Math.floor(this.first), to = Math.min(this.rows.length, from + this.seen + 2)) {
    this.drawing = null;
    for (const [place, row] of this.drawn) {
      if (place >= from && place < to) continue;
      row.remove();
      this.drawn.delete(place);
    }
    let next = this.window.firstChild;
    for (let place = from; place < to; place++) {
      const row = this.drawn.get(place);
      if (row) {
        next = row.nextSibling;
        continue;
      }
      const made = this.row(place);
      this.drawn.set(place, made);
      this.window.insertBefore(made, next);
    }
    this.window.style.transform = `translateY(${this.top - (this.first - from) * this.rowHeight}px)`;
  }

  row(place) {
    const at = this.rows[place];
    const { data } = this;
    const number = data.row.attempt[at];
    const { attempt, row } = data;
    const took = data.took(at) ?? (row.subtest[at] === 0 && attempt.took[number] ? attempt.took[number] - 1 : null);
    const test = visible(data.tests[attempt.test[number]], 200);
    const subtest = visible(data.subtests[row.subtest[at]], 200);
    const cell = (name, content, title) => el('span', { class: 'cell c-' + name, role: 'cell', title }, content);
    const marks = [
      row.waiver[at] > 0 && el('i', { class: 'mark', title: 'waived' }, 'W'),
      row.change[at] === 1 && el('i', { class: 'mark new', title: 'new failure' }, 'N'),
      attempt.number[number] > 1 && el('i', { class: 'mark', title: 'attempt' }, '#' + attempt.number[number]),
    ];
    return el('div', {
      class: 'row' + (String(at) === state.row ? ' open' : '') + (row.waiver[at] ? ' waived' : ''), role: 'row', 'data-at': at,
      'aria-rowindex': place + 2, 'aria-selected': String(at) === state.row,
    },
    cell('status', [badge(data.statuses[row.status[at]]), marks]), cell('test', tailed(data.tests[attempt.test[number]]), test), cell('subtest', tailed(data.subtests[row.subtest[at]]), subtest),
    cell('platform', tailed(data.platforms[attempt.platform[number]], 80), visible(data.platforms[attempt.platform[number]], 200)),
    cell('note', visible(data.notes[row.note[at]], 200).replace(/\s+/g, ' ')),
    cell('took', took === null ? '' : (data.isExact(at) ? '' : '≈ ') + duration(took)));
  }

  get summary() {
    return plural(this.rows.length, 'result') + ' of ' + number(this.data.rows);
  }
}
