// Which system did what when, how many there were, and what the end of the run waited for.

import { VERDICTS, duration, el, svg, visible } from './text.js';
import { show } from './state.js';

const KIND = ['reserve', 'prepare', 'test', 'idle', 'release'];
const [WIDTH, LANE, LABEL, TOP] = [1000, 16, 150, 70];
const LANES_MAX = 400;

// The spans that the end waited for: those of the system that was busy last, and before its request those of the one whose end
// it replaced; by lane, from what time on and until when.
export function criticalPath(lanes, remotes) {
  const busy = ([, spans]) => Math.max(0, ...spans.filter((span) => span[2] < 3).map((span) => span[1]));
  const path = [];
  let until = Infinity;
  let left = lanes.slice();
  while (left.length) {
    const lane = left.filter((one) => busy(one) <= until).reduce((best, one) => (!best || busy(one) > busy(best) ? one : best), null);
    if (!lane) break;
    const from = remotes[lane[0]].requested;
    path.push({ lane: lanes.indexOf(lane), from, to: busy(lane) });
    // A system of the beginning waited for nobody.
    if (from <= 1000) break;
    until = from;
    left = left.filter((one) => one !== lane && remotes[one[0]].requested < from);
  }
  return path;
}

export class Timeline {
  constructor(data) {
    this.data = data;
    this.element = el('div', { class: 'timeline' });
    this.draw();
  }

  draw() {
    const { head } = this.data;
    const lanes = (head.lanes || []).slice(0, LANES_MAX);
    if (!lanes.length) {
      this.element.replaceChildren(el('p', { class: 'empty' }, 'Nothing is known of the systems of this run.'));
      return;
    }
    const length = Math.max(head.wall, 1);
    const x = (time) => LABEL + ((WIDTH - LABEL - 10) * time) / length;
    const path = criticalPath(head.lanes, head.remotes);
    const height = TOP + lanes.length * LANE + 10;
    const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': 'Timeline; the table below says the same' },
      this.ticks(x, length, height), this.pool(x), lanes.map((lane, place) => this.lane(lane, TOP + place * LANE, x)),
      path.filter(({ lane }) => lane < lanes.length).map(({ lane, from, to }) => svg('rect', { class: 'critical', x: x(from), y: TOP + lane * LANE + LANE - 3, width: Math.max(1, x(to) - x(from)), height: 2 })));
    this.element.replaceChildren(
      el('p', { class: 'legend' }, KIND.map((kind) => el('span', {}, el('i', { class: 't-' + kind }), kind === 'test' ? 'test (by verdict)' : kind)), el('span', {}, el('i', { class: 't-critical' }), 'what the end waited for')),
      el('p', {}, this.why(path)),
      el('div', { class: 'wide' }, picture),
      head.lanes.length > LANES_MAX ? el('p', {}, `The first ${LANES_MAX} of ${head.lanes.length} systems are drawn; the table has all.`) : '',
      this.table());
  }

  why(path) {
    const { lanes, remotes } = this.data.head;
    const sums = [0, 0, 0, 0, 0];
    let longest = null;
    for (const { lane, from, to } of path) {
      for (const span of lanes[lane][1]) {
        if (span[0] < from || span[1] > to) continue;
        sums[span[2]] += span[1] - span[0];
        if (span[2] === 2 && (!longest || span[1] - span[0] > longest[1] - longest[0])) longest = span;
      }
    }
    const names = path.map(({ lane }) => visible(remotes[lanes[lane][0]].name, 60)).reverse().join(', then ');
    const test = longest && longest[3] !== null && this.data.tests[this.data.attempt.test[longest[3]]];
    return `The end waited for ${names}: ${duration(sums[0])} to reserve, ${duration(sums[1])} to prepare, ${duration(sums[2])} of tests, ${duration(sums[3])} idle.`
      + (test ? ` The longest test of it: ${visible(test, 200)}, ${duration(longest[1] - longest[0])}.` : '');
  }

  ticks(x, length, height) {
    const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400].map((step) => step * 1000);
    const step = steps.find((one) => length / one <= 8) || Math.ceil(length / 8);
    const list = [];
    for (let time = 0; time <= length; time += step) {
      list.push(...[svg('line', { class: 'tick', x1: x(time), x2: x(time), y1: 14, y2: height }), x(time) < WIDTH - 60 && svg('text', { class: 'label', x: x(time) + 3, y: 11 }, duration(time))].filter(Boolean));
    }
    return list;
  }

  // How many systems were there over time, and how many of them ran a test.
  pool(x) {
    const curve = (list, name) => {
      const changes = list.flatMap(([from, to]) => [[from, 1], [to, -1]]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      let [count, most] = [0, 0];
      const points = [];
      for (const [time, by] of changes) {
        points.push([time, count], [time, (count += by)]);
        most = Math.max(most, count);
      }
      return { points, most, name };
    };
    const { lanes, remotes } = this.data.head;
    const there = curve(lanes.map(([remote, spans]) => [remotes[remote].provisioned, spans[spans.length - 1][1]]), 'there');
    const busy = curve(lanes.flatMap(([, spans]) => spans.filter((span) => span[2] === 2)), 'busy');
    const y = (count) => TOP - 10 - (40 * count) / Math.max(there.most, 1);
    const area = ({ points, name }) => points.length > 0 && svg('path', { class: 'pool-' + name, d: 'M' + points.map(([time, count]) => `${x(time).toFixed(1)} ${y(count).toFixed(1)}`).join('L') + 'Z' });
    return [area(there), area(busy), svg('text', { class: 'label', x: 4, y: y(there.most) + 8 }, `systems: ${there.most} at most`)].filter(Boolean);
  }

  lane([remote, spans], y, x) {
    const { remotes } = this.data.head;
    const { attempt, tests } = this.data;
    const name = visible(remotes[remote].name, 22);
    return svg('g', {}, svg('text', { class: 'label', x: 4, y: y + 11 }, name), spans.map((span) => {
      const [from, to, kind, at, verdict] = span;
      const test = kind === 2 && at !== null;
      const what = test ? `${tests[attempt.test[at]]} #${attempt.number[at]}` : KIND[kind];
      return svg('rect', {
        class: kind === 2 ? 't-test v-' + VERDICTS[verdict] : 't-' + KIND[kind], x: x(from), y: y + 2, width: Math.max(0.5, x(to) - x(from)), height: LANE - 5,
        onclick: test ? () => show({ row: attempt.begin[at] < attempt.begin[at + 1] ? String(attempt.begin[at + 1] - 1) : '' }) : null,
      }, svg('title', {}, `${visible(what, 200)}: ${duration(to - from)}, from ${duration(from)}`));
    }));
  }

  table() {
    const { lanes, remotes } = this.data.head;
    const rows = lanes.map(([remote, spans]) => {
      const sum = (kind) => spans.filter((span) => span[2] === kind).reduce((all, span) => all + span[1] - span[0], 0);
      const there = sum(1) + sum(2) + sum(3) + sum(4);
      const one = remotes[remote];
      return [visible(one.name, 60), visible(one.pool, 60), ...[0, 1].map((kind) => duration(sum(kind))), String(spans.filter((span) => span[2] === 2).length),
        duration(sum(2)), there ? Math.round((100 * sum(2)) / there) + ' %' : '', duration(sum(3))];
    });
    return el('table', { class: 'plain' }, el('caption', {}, 'Systems'), el('thead', {}, el('tr', {}, ['System', 'Pool', 'Reserve', 'Prepare', 'Tests', 'Time in tests', 'Of its time', 'Idle'].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((cell, place) => el(place ? 'td' : 'th', { scope: place ? null : 'row' }, cell))))));
  }
}
