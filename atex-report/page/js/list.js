// The list of results: only those rows that can be seen are elements, however many there are.

import { badge, duration, el, number, plural, visible } from './text.js';
import { show, state } from './state.js';

// Browsers cannot lay out more than some millions of pixels; a longer list moves faster than the bar.
const HEIGHT_MAX = 8000000;
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
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  get rowHeight() {
    return matchMedia('(max-width: 700px)').matches ? 58 : 28;
  }

  get seen() {
    return Math.max(1, Math.ceil(this.scroller.clientHeight / this.rowHeight));
  }

  set(rows) {
    this.rows = rows;
    this.element.setAttribute('aria-rowcount', String(rows.length + 1));
    this.empty.hidden = rows.length > 0;
    this.spacer.style.height = Math.min(rows.length * this.rowHeight, HEIGHT_MAX) + 'px';
    this.heading();
    this.moveTo(0);
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
    // What was asked for stays, if it is only the bar that followed.
    if (this.wanted !== null && Math.abs(this.scroller.scrollTop - this.wanted) < 2) {
      this.wanted = null;
      return;
    }
    const range = this.spacer.offsetHeight - this.scroller.clientHeight;
    const share = range > 0 ? this.scroller.scrollTop / range : 0;
    const height = this.rows.length * this.rowHeight - this.scroller.clientHeight;
    this.first = height > 0 ? (share * height) / this.rowHeight : 0;
    if (!this.drawing) this.drawing = requestAnimationFrame(() => this.draw());
  }

  // Brings a place of the list to the top, as far as that goes.
  moveTo(place) {
    const last = Math.max(0, this.rows.length - this.scroller.clientHeight / this.rowHeight);
    this.first = Math.min(Math.max(place, 0), last);
    const range = this.spacer.offsetHeight - this.scroller.clientHeight;
    this.wanted = range > 0 && last > 0 ? (this.first / last) * range : 0;
    if (Math.abs(this.scroller.scrollTop - this.wanted) < 1) this.wanted = null;
    else this.scroller.scrollTop = this.wanted;
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

  draw() {
    this.drawing = null;
    const from = Math.floor(this.first);
    const to = Math.min(this.rows.length, from + this.seen + 2);
    const rows = [];
    for (let place = from; place < to; place++) rows.push(this.row(place));
    this.window.replaceChildren(...rows);
    this.window.style.top = this.scroller.scrollTop - (this.first - from) * this.rowHeight + 'px';
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
    cell('status', [badge(data.statuses[row.status[at]]), marks]), cell('test', test, test), cell('subtest', subtest, subtest),
    cell('platform', visible(data.platforms[attempt.platform[number]], 80)),
    cell('note', visible(data.notes[row.note[at]], 200).replace(/\s+/g, ' ')),
    cell('took', took === null ? '' : (data.isExact(at) ? '' : '≈ ') + duration(took)));
  }

  get summary() {
    return plural(this.rows.length, 'result') + (this.rows.length ? '' : '') + ' of ' + number(this.data.rows);
  }
}
