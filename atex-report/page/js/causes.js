// Failures by what they say, the biggest cause first; trouble of infrastructure apart; waivers.

import { duration, el, number, plural, visible } from './text.js';
import { show } from './state.js';

export class Causes {
  constructor(data) {
    this.data = data;
    this.element = el('div', { class: 'causes' });
    this.draw(50);
  }

  draw(most) {
    const { head } = this.data;
    const all = head.causes.map((cause, place) => ({ cause, place: place + 1 }));
    const failures = all.filter(({ cause }) => !cause[1]);
    const total = failures.reduce((sum, { cause }) => sum + cause[2], 0);
    this.element.replaceChildren(
      el('h2', {}, failures.length ? `${plural(total, 'failure')}, ${plural(failures.length, 'cause')}` : 'No failure says why'),
      el('p', { class: 'quiet' }, 'Numbers, times and addresses are placeholders', head.unwaived && '; failures that are waived are left out', '. ', head.unexplained > 0 && `${plural(head.unexplained, 'failure')} ${head.unexplained === 1 ? 'has' : 'have'} no note.`),
      this.table(failures, total, most) || '',
      failures.length > most ? el('button', { class: 'more', onclick: () => this.draw(most * 10) }, `all ${failures.length}`) : '');
  }

  table(list, total, most) {
    return list.length > 0 && el('table', { class: 'plain' },
      el('thead', {}, el('tr', {}, ['Results', 'What they say', 'Tests', 'Platforms'].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, list.slice(0, most).map(({ cause: [text, , results, tests, platforms], place }) => {
        const share = el('span', { class: 'meter' });
        share.style.width = (100 * results) / Math.max(total, 1) + '%';
        const names = platforms.map(([platform, count]) => `${visible(platform, 60)}: ${count}`);
        return el('tr', {},
          el('td', { class: 'count' }, number(results), share),
          el('td', {}, el('button', { class: 'link', 'data-cause': place, onclick: () => show({ view: 'results', q: 'cause:' + place }) }, visible(text, 400))),
          el('td', { class: 'count' }, number(tests)),
          el('td', { title: names.join('\n') }, platforms.length === 1 ? visible(platforms[0][0], 60) : plural(platforms.length, 'platform')));
      })));
  }
}

// Trouble that is nobody's test: systems that could not be had or were lost, attempts that were run again because of it.
export function infraView(data) {
  const { head, attempt } = data;
  const causes = head.causes.map((cause, place) => ({ cause, place: place + 1 })).filter(({ cause }) => cause[1]);
  const remotes = (head.remotes || []).filter((remote) => remote.failure || remote.release || remote.quarantined);
  let [troubled, again] = [0, 0];
  for (let at = 0; at < data.attempts; at++) {
    if (attempt.verdict[at] !== 3) continue;
    troubled++;
    if (!attempt.last[at]) again++;
  }
  const pools = new Map();
  for (const remote of head.remotes || []) {
    const pool = pools.get(remote.pool) || [0, 0, 0];
    pool[0]++;
    pool[1] += remote.failure !== null && remote.provisioned === null;
    pool[2] += remote.failure !== null && remote.provisioned !== null;
    pools.set(remote.pool, pool);
  }
  const total = causes.reduce((sum, { cause }) => sum + cause[2], 0);
  const table = (heads, rows) => el('table', { class: 'plain' }, el('thead', {}, el('tr', {}, heads.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((one) => el('td', {}, one))))));
  return el('div', { class: 'causes' },
    el('h2', {}, 'Infrastructure'),
    el('p', {}, `${plural(troubled, 'attempt')} hit trouble, ${number(again)} of them were run again. ${plural(remotes.length, 'system')} had trouble.`),
    pools.size > 0 && table(['Pool', 'Systems', 'Never came', 'Failed later'], [...pools].map(([name, counts]) => [visible(name, 80), ...counts.map(number)])),
    remotes.length > 0 && [el('h3', {}, 'Systems'), table(['System', 'Pool', 'When', 'What'], remotes.slice(0, 500).map((remote) => [visible(remote.name, 80), visible(remote.pool, 80),
      remote.failed === null ? '' : duration(remote.failed), visible([remote.failure, remote.quarantined && 'taken out: ' + remote.quarantined, remote.release && 'may be left: ' + remote.release].filter(Boolean).join('; '), 500)]))],
    total > 0 && [el('h3', {}, 'What attempts say'), Causes.prototype.table.call({ data }, causes, total, 200)]);
}

export function waiverView(data) {
  const { waivers } = data.head;
  const row = (waiver, place) => {
    const unused = waiver.waived === 0 && waiver.missed === 0;
    const state = waiver.expired ? `expired: ${number(waiver.missed)} would be waived` : unused ? (waiver.good ? `nothing failed: ${number(waiver.good)} good` : 'matched nothing') : '';
    return el('tr', { class: waiver.expired || unused ? 'odd' : null },
      el('td', { class: 'count' }, waiver.waived ? el('button', { class: 'link', onclick: () => show({ view: 'results', q: 'waived:' + (place + 1) }) }, number(waiver.waived)) : '0'),
      el('td', {}, visible(waiver.reason, 400)), el('td', {}, el('code', {}, visible(waiver.subject, 300))), el('td', {}, waiver.until || ''), el('td', {}, state));
  };
  return el('div', { class: 'causes' }, el('h2', {}, 'Known failures'),
    el('p', {}, el('button', { class: 'link', onclick: () => show({ view: 'results', q: 'status:fail,error,infra waived:no' }) }, 'Failures that nobody knows of')),
    el('table', { class: 'plain' }, el('thead', {}, el('tr', {}, ['Waived', 'Reason', 'What', 'Until', ''].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, waivers.map(row))));
}
