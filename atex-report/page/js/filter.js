// Which rows a filter holds for: asked of each different text once, and then of numbers.

import { globbed } from './query.js';
import { KINDS, VERDICTS } from './text.js';

const BROKEN = ['fail', 'error', 'infra'];

// Finds the rows for the terms of a filter: {rows, count, statuses, attempts}, the last two as numbers of rows.
export function filtered(data, terms) {
  const attempts = new Uint8Array(data.attempts).fill(1);
  if (!terms.some((term) => term.field === 'attempt')) data.attempt.last.forEach((last, at) => (attempts[at] &= last));
  const tests = [];
  for (const term of terms) {
    const mask = attemptMask(data, term);
    if (mask) for (let at = 0; at < data.attempts; at++) attempts[at] &= mask[at] ^ Number(term.no);
    else tests.push(rowTest(data, term));
  }
  const rows = candidates(data, attempts, tests[0]);
  let count = rows.length;
  for (const test of tests.slice(1)) count = narrowed(data, test, rows, count);
  return counted(data, count < rows.length ? rows.slice(0, count) : rows, attempts);
}

// The same; of the last few filters it is known already. Facets ask for the filter without the term of theirs.
export function remembered(data, terms) {
  const key = JSON.stringify(terms.map((term) => term.text));
  const known = (data.remembered ||= new Map());
  const result = known.get(key) || filtered(data, terms);
  known.delete(key);
  known.set(key, result);
  if (known.size > 6) known.delete(known.keys().next().value);
  return result;
}

// All rows of these attempts that the first test holds for, in their order: columns are read from begin to end, and nothing is kept of
// rows that are not wanted.
function candidates(data, attempts, test) {
  const { begin } = data.attempt;
  let many = 0;
  for (let at = 0; at < data.attempts; at++) if (attempts[at]) many += begin[at + 1] - begin[at];
  const rows = room(data, many);
  let to = 0;
  for (let at = 0; at < data.attempts; at++) {
    if (!attempts[at]) continue;
    const [from, end] = [begin[at], begin[at + 1]];
    const whole = test && test.whole && test.whole[at];
    if (whole && test.no) continue;
    if (!test || whole) for (let row = from; row < end; row++) rows[to++] = row;
    else if (test.holds) to = pickedBy(test.holds, from, end, rows, to);
    else if (test.second) to = pickedOfTwo(test, from, end, rows, to);
    else to = picked(test, from, end, rows, to);
  }
  return rows.slice(0, to);
}

// Where rows are gathered before it is known how many there are: made once.
function room(data, many) {
  if (!data.room || data.room.length < many) data.room = new Uint32Array(many);
  return data.room;
}

// Every row is written, and the place is moved on where it is wanted: without a branch, which would be guessed wrong too often.
function picked({ keys, mask }, from, end, rows, to) {
  for (let row = from; row < end; row++) {
    rows[to] = row;
    to += mask[keys[row]];
  }
  return to;
}

function pickedOfTwo({ keys, mask, second, secondMask, no }, from, end, rows, to) {
  const turned = Number(no);
  for (let row = from; row < end; row++) {
    rows[to] = row;
    to += (mask[keys[row]] | secondMask[second[row]]) ^ turned;
  }
  return to;
}

function pickedBy(holds, from, end, rows, to) {
  for (let row = from; row < end; row++) if (holds(row)) rows[to++] = row;
  return to;
}

// Keeps, of the first `count` rows, those that a test holds for, and gives their number.
function narrowed(data, test, rows, count) {
  const holds = test.holds || (test.second ? ofTwo(data, test) : (row) => test.mask[test.keys[row]] === 1);
  let to = 0;
  for (let place = 0; place < count; place++) {
    const row = rows[place];
    if (holds(row)) rows[to++] = row;
  }
  return to;
}

function ofTwo(data, { keys, mask, second, secondMask, whole, no }) {
  const { attempt } = data.row;
  const wanted = no ? 0 : 1;
  return (row) => (whole[attempt[row]] | mask[keys[row]] | secondMask[second[row]]) === wanted;
}

function counted(data, rows, mask) {
  const many = data.statuses.length;
  const statuses = new Uint32Array(many);
  const attempts = new Uint32Array(data.attempts);
  const { status, attempt } = data.row;
  const { begin } = data.attempt;
  const whole = (data.counts ||= ofWhole(data));
  const isBroken = data.statuses.map((status) => BROKEN.includes(status));
  const broken = new Uint32Array(data.attempts);
  // Rows of one attempt are together, and of many attempts all are there: those have been counted.
  for (let place = 0; place < rows.length; ) {
    const of = attempt[rows[place]];
    const [from, end] = [place, begin[of + 1]];
    const all = end - begin[of];
    const before = statuses.slice();
    if (rows[place + all - 1] === end - 1) {
      for (let key = 0; key < many; key++) statuses[key] += whole[of * many + key];
      place += all;
    } else for (; place < rows.length && rows[place] < end; place++) statuses[status[rows[place]]]++;
    attempts[of] = place - from;
    for (let key = 0; key < many; key++) if (isBroken[key]) broken[of] += statuses[key] - before[key];
  }
  return { rows, count: rows.length, statuses, attempts, broken, mask };
}

// How many rows of each status there are in each attempt.
function ofWhole(data) {
  const many = data.statuses.length;
  const counts = new Uint32Array(data.attempts * many);
  for (let row = 0; row < data.rows; row++) counts[data.row.attempt[row] * many + data.row.status[row]]++;
  return counts;
}

// For a term about whole attempts, those that it holds for, whether it is turned around or not.
function attemptMask(data, term) {
  const { attempt, outcome } = data;
  const by = (keys, mask) => Uint8Array.from(keys, (key) => mask[key]);
  const has = (holds) => Uint8Array.from(attempt.test, (_, at) => Number(term.values.some((value) => holds(value.text || '', at))));
  switch (term.field) {
    case 'platform':
      return by(attempt.platform, matching(data.platforms, term.values));
    case 'test':
      return by(attempt.test, matching(data.tests, term.values, below));
    case 'guest':
      return by(attempt.guest, matching(data.guests, term.values));
    case 'tag':
      return by(attempt.test, tagged(data, term.values));
    case 'attempt':
      return has((text, at) => text === 'all' || (text === 'last' ? attempt.last[at] : attempt.number[at] === Number(text)));
    case 'verdict':
      return has((text, at) => VERDICTS[attempt.verdict[at]] === text.replace(' ', '_'));
    case 'flaky':
      return has((text, at) => (text === 'no') !== Boolean(outcome.flaky[attempt.outcome[at]]));
    default:
      return null;
  }
}

// For a term about rows: a column and which of its values are wanted ({keys, mask}), or what is asked of each row ({holds}).
function rowTest(data, term) {
  const { row } = data;
  switch (term.field) {
    case 'status':
      return keep(row.status, matching(data.statuses, term.values), term.no);
    case 'subtest':
      return keep(row.subtest, matching(data.subtests, term.values), term.no);
    case 'note':
      return keep(row.note, matching(data.notes, term.values, contains), term.no);
    case 'file':
      return keep(row.filelist, matching(data.files, term.values, contains), term.no);
    case 'cause':
      return keep(row.cause, numbered(data.head.causes.length, term.values), term.no);
    case 'waived':
      return keep(row.waiver, numbered(data.head.waivers.length, term.values), term.no);
    case 'change':
      return keep(row.change, Uint8Array.from(KINDS, (kind) => Number(kind !== '' && term.values.some((value) => value.text === kind))), term.no);
    case 'took':
      return byTime(data, term);
    default:
      return anywhere(data, term);
  }
}

function keep(keys, mask, no) {
  return { keys, mask: no ? mask.map((one) => one ^ 1) : mask };
}

// A word that is looked for in names and notes: in each different text once. Attempts of whose names it is a part are wanted as a whole.
function anywhere(data, term) {
  const mask = (texts) => matching(texts, term.values, contains);
  const [tests, platforms, guests] = [mask(data.tests), mask(data.platforms), mask(data.guests)];
  const { attempt, row } = data;
  const whole = Uint8Array.from(attempt.test, (test, at) => tests[test] | platforms[attempt.platform[at]] | guests[attempt.guest[at]]);
  return { keys: row.subtest, mask: mask(data.subtests), second: row.note, secondMask: mask(data.notes), whole, no: term.no };
}

// The tests that have one of these tags.
function tagged(data, values) {
  const mask = new Uint8Array(data.tests.length);
  const names = ['', ...data.head.tags.map(([tag]) => tag)];
  const wanted = matching(names, values, (text) => (one) => one === text);
  data.head.tags.forEach(([, tests], place) => wanted[place + 1] && tests.forEach((test) => (mask[test] = 1)));
  if (wanted[0]) {
    const any = new Set(data.head.tags.flatMap(([, tests]) => tests));
    for (let test = 1; test < mask.length; test++) if (!any.has(test)) mask[test] = 1;
  }
  return mask;
}

const UNITS = { ms: 1, s: 1000, m: 60000, min: 60000, h: 3600000 };

function byTime(data, term) {
  const list = term.values.map((value) => span(value.text || '')).filter(Boolean);
  const { millis } = data;
  const inOne = (from, to) => (row) => millis[row] >= from && millis[row] < to && millis[row] > 0;
  const tests = list.map(([from, to]) => inOne(from, to));
  const any = tests.length === 1 ? tests[0] : (row) => tests.some((holds) => holds(row));
  return { holds: term.no ? (row) => !any(row) : any };
}

// From when on and until when, for texts such as >30s, <500ms, 1s..10s and 2m (which is at least that).
function span(text) {
  const TIME = '(\\d+(?:\\.\\d+)?)(ms|s|min|m|h)?';
  const at = (many, unit) => Number(many) * UNITS[unit || 's'] + 1;
  const range = new RegExp(`^${TIME}\\.\\.${TIME}$`).exec(text);
  if (range) return [at(range[1], range[2]), at(range[3], range[4])];
  const one = new RegExp(`^([<>]?)=?${TIME}$`).exec(text);
  if (!one) return null;
  const limit = at(one[2], one[3]);
  return one[1] === '<' ? [0, limit] : [limit, Infinity];
}

// Numbers of the rows of a filter by what they took, changed, who knows of them, what they say: each row is looked at once.
export const TIMES = [[0, '<100ms', 'under 0.1 s'], [101, '100ms..1s', '0.1 to 1 s'], [1001, '1s..10s', '1 to 10 s'], [10001, '10s..1m', '10 s to 1 min'], [60001, '1m..10m', '1 to 10 min'], [600001, '>10m', 'over 10 min']];

export function tallied(data, result) {
  if (result.tally && result.tally.waivers === data.row.waiver) return result.tally;
  const { row } = data;
  const columns = [row.change, row.cause, row.subtest, row.waiver];
  const [change, cause, subtest, waiver] = columns.map((column) => column.BYTES_PER_ELEMENT === 1 ? new Uint32Array(256) : new Uint32Array(column === row.cause ? data.head.causes.length + 1 : column === row.subtest ? data.subtests.length : data.head.waivers.length + 1));
  const times = new Uint32Array(TIMES.length);
  const { rows } = result;
  const { millis, timed } = data;
  const [byChange, byCause, bySubtest, byWaiver] = columns;
  const changes = data.head.changes !== null;
  for (let place = 0; place < rows.length; place++) {
    const at = rows[place];
    cause[byCause[at]]++;
    subtest[bySubtest[at]]++;
    waiver[byWaiver[at]]++;
    if (changes) change[byChange[at]]++;
    const took = millis[at];
    if (timed && took > 0) times[took < 1001 ? (took < 101 ? 0 : 1) : took < 60001 ? (took < 10001 ? 2 : 3) : took < 600001 ? 4 : 5]++;
  }
  result.tally = { change, cause, subtest, waiver, times, waivers: byWaiver };
  return result.tally;
}

const contains = (text) => (one) => one.includes(text);
const below = (text) => (one) => one === text || one.startsWith(text.endsWith('/') ? text : text + '/');

// The texts that one of the values holds for; number 0, the missing text, for the value "none". A value that is no text of the
// table as a whole, and no pattern, is looked for inside of texts.
function matching(texts, values, how) {
  const mask = new Uint8Array(texts.length);
  for (const value of values) {
    if (value.text === 'none' && !value.quoted) mask[0] = 1;
    const holds = tester(texts, value, how);
    for (let key = 1; key < texts.length; key++) if (!mask[key] && holds(texts[key])) mask[key] = 1;
  }
  return mask;
}

function tester(texts, value, how) {
  if (value.regex) return (one) => value.regex.test(one);
  if (/[*?]/.test(value.text)) {
    const pattern = how === contains ? globbed('*' + value.text + '*') : globbed(value.text);
    return (one) => pattern.test(one);
  }
  const lower = value.text.toLowerCase();
  const inside = contains(lower);
  if (how === contains) return (one) => inside(one.toLowerCase());
  const exact = how ? how(value.text) : (one) => one === value.text;
  return texts.some((one, key) => key > 0 && exact(one)) ? exact : (one) => inside(one.toLowerCase());
}

// Numbers that are typed as such, or all of them for "yes", none for "no".
function numbered(many, values) {
  const mask = new Uint8Array(many + 1);
  for (const { text } of values) {
    if (text === 'yes') mask.fill(1, 1);
    else if (text === 'no' || text === 'none') mask[0] = 1;
    else if (Number(text) <= many) mask[Number(text)] = 1;
  }
  return mask;
}

// Rows in the order of a column, with equal ones as they were: by digits of two bytes.
export function sorted(data, rows, column, down) {
  const { row, attempt } = data;
  const ofAttempt = (keys) => (at) => keys[row.attempt[at]];
  const keys = {
    status: (at) => row.status[at],
    platform: ofAttempt(attempt.platform),
    test: ofAttempt(attempt.test),
    subtest: (at) => row.subtest[at],
    note: (at) => row.note[at],
    guest: ofAttempt(attempt.guest),
    took: (at) => data.millis[at],
    attempt: ofAttempt(attempt.number),
  }[column];
  if (!keys) return rows;
  let [from, values] = [rows, Uint32Array.from(rows, keys)];
  let greatest = 0;
  for (let place = 0; place < values.length; place++) greatest = Math.max(greatest, values[place]);
  if (down) values = values.map((value) => greatest - value);
  for (let shift = 0; shift < 32 && greatest >>> shift > 0; shift += 16) {
    const places = new Uint32Array(65537);
    for (let place = 0; place < values.length; place++) places[((values[place] >>> shift) & 0xffff) + 1]++;
    for (let digit = 0; digit < 65536; digit++) places[digit + 1] += places[digit];
    const [to, moved] = [new Uint32Array(from.length), new Uint32Array(from.length)];
    for (let place = 0; place < from.length; place++) {
      const target = places[(values[place] >>> shift) & 0xffff]++;
      to[target] = from[place];
      moved[target] = values[place];
    }
    [from, values] = [to, moved];
  }
  return from;
}
