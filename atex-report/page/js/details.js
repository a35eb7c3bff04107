// All that is known of one result: its attempts, note, files, times, system, history, and how to run it again.

import { KIND_NAMES, badge, duration, el, shellWord, verdictBadge, visible } from './text.js';
import { linkOf } from './data.js';
import { canView, tail, view } from './viewer.js';
import { show, state } from './state.js';
import { replaced } from './query.js';
import { copyText } from './copy.js';

export class Details {
  constructor(data) {
    this.data = data;
    this.element = el('aside', { class: 'details', 'aria-label': 'Details', hidden: true, tabindex: '-1' });
  }

  set() {
    const at = Number(state.row);
    const there = state.row !== '' && at < this.data.rows;
    this.element.hidden = !there;
    if (there) this.element.replaceChildren(...this.content(at).filter(Boolean));
  }

  content(at) {
    const { data } = this;
    const { attempt, row, outcome } = data;
    const number = row.attempt[at];
    const of = attempt.outcome[number];
    const test = data.tests[attempt.test[number]];
    const subtest = data.subtests[row.subtest[at]];
    const platform = data.platforms[attempt.platform[number]];
    const note = data.notes[row.note[at]] || (row.subtest[at] ? '' : data.notes[attempt.note[number]]);
    const link = (field, value) => el('button', { class: 'link', title: 'show only these', onclick: () => show({ view: 'results', q: replaced(state.q, field, value) }) }, visible(value, 2000));
    const facts = [['Test', link('test', test)], subtest && ['Subtest', link('subtest', subtest)], ['Platform', link('platform', platform)],
      attempt.guest[number] > 0 && ['System', link('guest', data.guests[attempt.guest[number]])],
      data.took(at) !== null && ['Took', (data.isExact(at) ? '' : 'about ') + duration(data.took(at))],
      data.histories.length > 1 && ['History', el('code', { class: 'history', title: 'oldest first; . passed, F failed, ! infra, - skipped, ? open' }, data.histories[of + 1])],
      data.tagsOf(attempt.test[number]).length > 0 && ['Tags', data.tagsOf(attempt.test[number]).map((tag) => [link('tag', tag), ' '])],
      row.change[at] > 0 && ['Since before', KIND_NAMES[row.change[at]]]];
    return [
      el('div', { class: 'bar' }, badge(data.statuses[row.status[at]]), el('span', { class: 'grow' }),
        el('button', { onclick: () => copyText(location.href), title: 'copy a link to this result' }, 'Link'),
        el('button', { onclick: () => show({ row: '' }), 'aria-label': 'close (Esc)', title: 'close (Esc)' }, '✕')),
      el('h2', {}, visible(subtest || test, 500)),
      note && el('pre', { class: 'note' }, visible(note)),
      this.waiver(row.waiver[at]),
      row.cause[at] > 0 && this.cause(row.cause[at]),
      el('dl', {}, facts.filter(Boolean).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))),
      this.files(at),
      data.tailOf(at) && tail(data.tailOf(at)),
      this.attempts(of, number, outcome),
      this.phases(number),
      this.again(test),
    ];
  }

  waiver(number) {
    const waiver = this.data.head.waivers[number - 1];
    if (!waiver) return null;
    const link = waiver.link && (/^https?:\/\//.test(waiver.link) ? el('a', { href: waiver.link, rel: 'noreferrer' }, visible(waiver.link)) : visible(waiver.link));
    return el('section', { class: 'box' }, el('h3', {}, 'Known: waived'), el('p', {}, visible(waiver.reason), ' ', link), waiver.until && el('p', {}, 'until ' + waiver.until));
  }

  cause(number) {
    const [text, , results] = this.data.head.causes[number - 1];
    return results > 1 && el('p', {}, el('button', { class: 'link', onclick: () => show({ view: 'results', q: 'cause:' + number, row: '' }) }, `${results} results say the same`), ': ', visible(text, 120));
  }

  files(at) {
    const files = this.data.filesOf(at);
    return files.length > 0 && el('section', {}, el('h3', {}, 'Files'), el('ul', { class: 'files' }, files.map((file) => {
      const link = linkOf(this.data, at, file);
      const open = (event) => {
        if (!canView(file) || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        view(file, link);
      };
      return el('li', {}, link ? el('a', { href: link, target: '_blank', rel: 'noreferrer', onclick: open }, visible(file)) : visible(file));
    })));
  }

  attempts(of, current, outcome) {
    const { attempt, data } = { attempt: this.data.attempt, data: this.data };
    const [first, many] = [outcome.first[of], outcome.attempts[of]];
    const numbers = Array.from({ length: many }, (_, more) => first + more);
    const own = (number) => {
      for (let at = attempt.begin[number + 1] - 1; at >= attempt.begin[number]; at--) if (data.row.subtest[at] === 0) return at;
      return attempt.begin[number];
    };
    const row = (number) => el('tr', { 'aria-current': number === current ? 'true' : null },
      el('td', {}, attempt.begin[number] < attempt.begin[number + 1]
        ? el('button', { class: 'link', onclick: () => show({ row: String(own(number)) }) }, '#' + attempt.number[number]) : '#' + attempt.number[number]),
      el('td', {}, verdictBadge(attempt.verdict[number])),
      el('td', {}, attempt.took[number] ? duration(attempt.took[number] - 1) : ''),
      el('td', {}, visible(data.guests[attempt.guest[number]], 60)),
      el('td', {}, visible(data.notes[attempt.note[number]], 120)));
    return el('section', {}, el('h3', {}, many > 1 ? `${many} attempts` : 'Attempt'), el('table', { class: 'attempts' },
      el('thead', {}, el('tr', {}, ['', 'Verdict', 'Took', 'System', 'Why'].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, numbers.map(row))));
  }

  // Where the time of the attempt went, from the request for its system on.
  phases(number) {
    const { head, attempt } = this.data;
    const lane = (head.lanes || []).find(([, spans]) => spans.some((span) => span[3] === number && span[2] === 2));
    if (!lane) return null;
    const remote = head.remotes[lane[0]];
    const span = lane[1].find((one) => one[3] === number && one[2] === 2);
    const took = attempt.took[number] ? attempt.took[number] - 1 : null;
    const list = [
      ['began', span[0]],
      ['system: reserved in', remote.provisioned !== null && remote.provisioned - remote.requested],
      ['system: prepared in', remote.prepared !== null && remote.prepared - remote.provisioned],
      ['run', took],
      ['started and collected in', took !== null && Math.max(0, span[1] - span[0] - took)],
    ].filter(([, value]) => value !== null && value !== false);
    return el('section', {}, el('h3', {}, 'Times'), el('dl', { class: 'times' }, list.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, (name === 'began' ? 'after ' : '') + duration(value))))));
  }

  again(test) {
    const { asked } = this.data.head;
    if (!asked || !asked.pools) return null;
    const expression = '^' + test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '$';
    const words = ['atex', 'run'];
    if (asked.root) words.push('--root', asked.root);
    if (asked.plan) words.push('--plan', asked.plan);
    for (const pool of asked.pools) words.push('--pool', pool);
    for (const one of asked.context || []) words.push('-c', one);
    words.push('-t', expression);
    const command = words.map((word) => shellWord(String(word))).join(' ');
    return el('section', {}, el('h3', {}, 'Run it again'), el('div', { class: 'command' }, el('code', {}, visible(command)),
      el('button', { onclick: () => copyText(command) }, 'Copy')));
  }
}
