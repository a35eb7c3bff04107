// The data of the page: unpacked from base64 and gzip into columns that are read in place.

export async function unpack(text) {
  const bytes = fromBase64(text);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return read(await new Response(stream).arrayBuffer());
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  // In pieces, each of whole groups of four characters, so that no text of the whole length is made.
  const step = 1 << 18;
  const ends = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - ends);
  for (let from = 0, to = 0; from < text.length; from += step) {
    const piece = atob(text.slice(from, from + step));
    for (let place = 0; place < piece.length; place++) bytes[to++] = piece.charCodeAt(place);
  }
  return bytes;
}

// Reads the form that `pack.rs` writes.
export function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const begin = 4 + length;
  const kinds = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
  const column = (name) => {
    const place = head.sections[name];
    if (!place) return null;
    const [from, bytes, width] = place;
    return new kinds[width](buffer, begin + from, bytes / width);
  };
  const data = { head, column };
  for (const name of ['platforms', 'tests', 'subtests', 'statuses', 'notes', 'guests', 'files', 'histories', 'tailFiles', 'tailTexts']) {
    data[name] = texts(column, name);
  }
  for (const group of ['row', 'attempt', 'outcome']) {
    data[group] = {};
    for (const name of Object.keys(head.sections)) {
      if (name.startsWith(group + '.')) data[group][name.slice(group.length + 1)] = column(name);
    }
  }
  return complete(data);
}

// A table of texts; number 0 is none, except in tables that have one text for each row.
function texts(column, name) {
  const [bytes, same, rest] = [column(name), column(name + '.same'), column(name + '.rest')];
  if (!bytes) return [''];
  const all = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const list = new Array(same.length + 1);
  list[0] = '';
  for (let number = 0, from = 0; number < same.length; number++) {
    list[number + 1] = list[number].slice(0, same[number]) + all.slice(from, from + rest[number]);
    from += rest[number];
  }
  return list;
}

// What follows from the columns: where the rows of each attempt begin, which attempt a row is of, what it took.
function complete(data) {
  const { row, attempt } = data;
  data.rows = row.status.length;
  data.attempts = attempt.test.length;
  attempt.begin = new Uint32Array(data.attempts + 1);
  row.attempt = data.attempts < 65536 ? new Uint16Array(data.rows) : new Uint32Array(data.rows);
  for (let number = 0, at = 0; number < data.attempts; number++) {
    row.attempt.fill(number, at, at + attempt.rows[number]);
    at += attempt.rows[number];
    attempt.begin[number + 1] = at;
  }
  // How long each result took: milliseconds from 1, 0 if nobody said.
  const exact = new Set();
  data.millis = row.millis ? Uint32Array.from(row.millis) : new Uint32Array(data.rows);
  if (row.steps) {
    const table = Uint32Array.from({ length: 256 }, (_, step) => (step ? Math.round(2 ** ((step - 1) / 8)) : 0));
    for (let at = 0; at < data.rows; at++) data.millis[at] = table[row.steps[at]];
    const [rows, millis] = [data.column('exact.row'), data.column('exact.millis')];
    rows.forEach((at, place) => {
      exact.add(at);
      data.millis[at] = millis[place];
    });
  }
  // A result of a test itself took as long as the attempt, if nobody said anything else.
  for (let number = 0; number < data.attempts; number++) {
    if (!attempt.took[number]) continue;
    for (let at = attempt.begin[number]; at < attempt.begin[number + 1]; at++) {
      if (row.subtest[at] === 0 && data.millis[at] === 0) {
        data.millis[at] = attempt.took[number];
        exact.add(at);
      }
    }
  }
  data.tagsOf = (test) => data.head.tags.filter(([, tests]) => tests.includes(test)).map(([tag]) => tag);
  data.timed = data.millis.some((millis) => millis > 0);
  const tails = new Map(Array.from(data.column('tail.row') || [], (at, place) => [at, place + 1]));
  data.tailOf = (at) => (tails.has(at) ? { file: data.tailFiles[tails.get(at)], text: data.tailTexts[tails.get(at)] } : null);
  // The waivers can be switched off: then nothing is waived.
  data.waivers = [row.waiver, new Uint8Array(data.rows)];
  data.took = (at) => (data.millis[at] ? data.millis[at] - 1 : null);
  data.isExact = (at) => !row.steps || exact.has(at);
  data.filesOf = (at) => {
    const list = data.files[row.filelist[at]];
    return list ? JSON.parse(list) : [];
  };
  outcomesOfAttempts(data);
  return data;
}

// The outcome that each attempt belongs to, and whether a test passed after it had failed.
function outcomesOfAttempts(data) {
  const { attempt, outcome } = data;
  const count = outcome.test.length;
  attempt.outcome = new Uint32Array(data.attempts);
  outcome.flaky = new Uint8Array(count);
  for (let number = 0; number < count; number++) {
    const [first, many] = [outcome.first[number], outcome.attempts[number]];
    for (let at = first; at < first + many; at++) {
      attempt.outcome[at] = number;
      if (outcome.verdict[number] === 1 && attempt.verdict[at] === 2) outcome.flaky[number] = 1;
    }
  }
}

// Where a file of a result lies, as a link that leads nowhere else; null if that is not known.
export function linkOf(data, at, file) {
  if (!data.head.folder) return null;
  const [folder, artifacts] = data.head.folder;
  const number = data.row.attempt[at];
  const { attempt } = data;
  const part = (table, key) => {
    const odd = data.head.odd[table][key];
    return odd === undefined ? data[table][key].replace(/^\/+/, '') : odd;
  };
  const parts = [artifacts ? 'artifacts' : 'files', part('platforms', attempt.platform[number]), part('tests', attempt.test[number])];
  if (artifacts) parts.push('attempt-' + attempt.number[number], 'files');
  if (data.row.subtest[at]) parts.push(part('subtests', data.row.subtest[at]));
  parts.push(file);
  const steps = parts.join('/').split('/').filter((step) => step && step !== '.' && step !== '..');
  return folder + '/' + steps.map(encodeURIComponent).join('/');
}
