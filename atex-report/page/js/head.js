// The top of the page: the verdict and why, totals, times, what was folded or could not be read.

import { VERDICTS, duration, el, number, plural, verdictBadge, badge, visible } from './text.js';
import { show, state } from './state.js';
import { replaced } from './query.js';

const ORDER = ['pass', 'warn', 'info', 'skip', 'fail', 'error', 'infra'];

export function statusCounts(data) {
  const { row, attempt } = data;
  const counts = new Map();
  for (let at = 0; at < data.attempts; at++) {
    if (!attempt.last[at]) continue;
    if (attempt.folded[at]) counts.set('pass', (counts.get('pass') || 0) + attempt.folded[at]);
    for (let one = attempt.begin[at]; one < attempt.begin[at + 1]; one++) {
      const status = data.statuses[row.status[one]];
      counts.set(status, (counts.get(status) || 0) + 1);
    }
  }
  const place = (status) => (ORDER.indexOf(status) + 1 || ORDER.length + 1);
  return [...counts].sort((a, b) => place(a[0]) - place(b[0]) || b[1] - a[1]);
}

export function pageHead(data) {
  const { head, outcome } = data;
  const [said, reason] = state.waivers === 'off' && head.unwaived ? head.unwaived : [head.verdict, head.reason];
  const word = el('span', { class: 'verdict v-' + VERDICTS[Math.max(0, VERDICTS.indexOf(said))] }, head.finished || said === 'running' ? said : 'not finished');
  const waivers = head.unwaived && el('label', { title: 'whether failures that are known count' }, el('input', {
    type: 'checkbox', id: 'waivers', checked: state.waivers !== 'off', onchange: (event) => show({ waivers: event.target.checked ? '' : 'off' }),
  }), ' waivers');
  const facts = [['Started', new Date(head.started_ms).toISOString().slice(0, 16).replace('T', ' ') + ' UTC']];
  if (head.wall !== undefined) {
    facts.push(['Took', duration(head.wall)], ['Systems held', duration(head.machine)]);
    const use = head.machine ? Math.round((100 * head.testing) / head.machine) + ' %' : '–';
    facts.push(['Running tests', `${duration(head.testing)} (${use})`]);
  }
  facts.push(['By', visible(head.tool, 40)]);
  return el('header', { class: 'top' },
    el('div', { class: 'title' }, word, el('h1', {}, visible(head.run, 120)), el('p', { class: 'reason' }, visible(reason, 500)), waivers),
    el('dl', { class: 'facts' }, facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))),
    totals(data, outcome),
    notices(data));
}

function totals(data, outcome) {
  const counts = new Array(VERDICTS.length).fill(0);
  outcome.verdict.forEach((verdict) => counts[verdict]++);
  const tests = counts.map((count, verdict) => count > 0 && el('button', {
    class: 'chip', 'data-verdict': VERDICTS[verdict], title: 'show the results of these tests',
    onclick: () => show(VERDICTS[verdict] === 'not_run' ? { view: 'matrix', q: '' } : { view: 'results', q: replaced(state.q, 'verdict', VERDICTS[verdict]) }),
  }, verdictBadge(verdict), ' ', el('b', {}, number(count))));
  const flaky = outcome.flaky.reduce((sum, one) => sum + one, 0);
  const statuses = statusCounts(data);
  const all = statuses.reduce((sum, [, count]) => sum + count, 0);
  const results = statuses.slice(0, 12).map(([status, count]) => el('button', {
    class: 'chip', 'data-status': status, title: 'show these results',
    onclick: () => show({ view: 'results', q: replaced(state.q, 'status', status || 'none') }),
  }, badge(status), ' ', el('b', {}, number(count))));
  return el('div', { class: 'totals' },
    el('div', { role: 'group', 'aria-label': 'Tests by verdict' }, el('span', { class: 'total' }, plural(outcome.verdict.length, 'test')), tests,
      flaky > 0 && el('button', { class: 'chip', onclick: () => show({ view: 'results', q: 'flaky:yes attempt:all' }) }, 'flaky ', el('b', {}, number(flaky)))),
    el('div', { role: 'group', 'aria-label': 'Results by status' }, el('span', { class: 'total' }, plural(all, 'result')), results),
    bar(statuses, all));
}

// Shares of statuses. Rare ones still get two pixels: they are what people look for.
function bar(statuses, all) {
  const parts = statuses.map(([status, count]) => {
    const part = el('span', { class: 'share s-' + (ORDER.includes(status) ? status : 'other'), title: `${visible(status || 'none', 30)}: ${number(count)}` });
    part.style.flexGrow = String(count / Math.max(all, 1));
    return part;
  });
  return el('div', { class: 'shares', role: 'img', 'aria-label': statuses.map(([status, count]) => `${status}: ${count}`).join(', ') }, parts);
}

function notices(data) {
  const { head } = data;
  const list = [];
  if (head.folded) list.push(`${plural(head.folded, 'result')} of subtests that passed without a word ${head.folded === 1 ? 'is' : 'are'} only counted here, because there are too many for one page; all of them are in the results of the run.`);
  if (head.left?.length) list.push(`Something may be left of ${head.left.map(([name]) => visible(name, 60)).join(', ')}: “atex reap” gives it back.`);
  if (head.lost?.length) list.push(`${plural(head.lost.length, 'attempt')} could not be stored; the first: ${visible(head.lost[0][2], 200)}`);
  if (head.problems.length) list.push(`${plural(head.problems.length, 'line')} of results could not be read; the first: ${visible(head.problems[0], 300)}`);
  const notRun = data.outcome.verdict.filter((verdict) => verdict === 5).length;
  if (notRun) list.push(`${plural(notRun, 'test was', 'tests were')} not run; the matrix shows which.`);
  return list.length > 0 && el('ul', { class: 'notices' }, list.map((text) => el('li', {}, text)));
}

