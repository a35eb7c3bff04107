// The language of filters: words, "phrases", /expressions/, and field:value,value; a minus before any of them turns it around.

export const FIELDS = ['status', 'platform', 'test', 'subtest', 'note', 'guest', 'file', 'attempt', 'verdict', 'took', 'cause', 'change', 'waived', 'flaky', 'tag'];

const VALUE = '"[^"]*"?|/(?:[^/\\\\]|\\\\.)+/|[^\\s,"]+';

// The terms of a filter: {no, field, values: [{text, quoted} or {regex}]}, and what is wrong with it, if anything.
export function parse(text) {
  const terms = [];
  const problems = [];
  const token = new RegExp(`(-?)(?:([a-z]+):((?:${VALUE})(?:,(?:${VALUE}))*)|("[^"]*"?|/(?:[^/\\\\]|\\\\.)+/(?=\\s|$)|\\S+))`, 'gy');
  let rest = text.trimStart();
  let at = text.length - rest.length;
  while (at < text.length) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (!found) break;
    at = token.lastIndex;
    at += text.slice(at).length - text.slice(at).trimStart().length;
    const [whole, minus, field, list, word] = found;
    if (field && !FIELDS.includes(field)) {
      problems.push(`there is no field “${field}”; there are ${FIELDS.join(', ')}`);
      continue;
    }
    const pieces = field ? list.match(new RegExp(VALUE, 'g')) : [word];
    const values = pieces.map((piece) => value(piece, problems)).filter(Boolean);
    if (values.length) terms.push({ no: minus === '-', field: field || null, values, text: whole });
  }
  return { terms, problems };
}

function value(piece, problems) {
  if (piece.length > 2 && piece.startsWith('/') && piece.endsWith('/')) {
    try {
      return { regex: new RegExp(piece.slice(1, -1), 'i') };
    } catch (error) {
      // A name of a test, such as /net/, is no expression, but what is meant as one may be wrong.
      problems.push(String(error.message));
      return null;
    }
  }
  if (piece.startsWith('"')) return { text: piece.slice(1).replace(/"$/, ''), quoted: true };
  return { text: piece, quoted: false };
}

// A term as it is typed.
export function written(field, values, no = false) {
  const quoted = values.map((one) => (/^[^\s,"/*?-][^\s,"*?]*$|^\/[^\s,"*?]*[^\s,"*?/]$/.test(one) ? one : '"' + one.replaceAll('"', '?') + '"'));
  return (no ? '-' : '') + field + ':' + quoted.join(',');
}

// The filter with the value of a field switched on or off: a click on a facet.
export function toggled(text, field, one) {
  const { terms } = parse(text);
  const mine = terms.find((term) => term.field === field && !term.no && term.values.every((value) => !value.regex));
  const others = terms.filter((term) => term !== mine).map((term) => term.text);
  const values = mine ? mine.values.map((value) => value.text) : [];
  const now = values.includes(one) ? values.filter((value) => value !== one) : [...values, one];
  if (now.length) others.push(written(field, now));
  return others.join(' ');
}

// The filter with this as the only term of its field.
export function replaced(text, field, one) {
  const others = parse(text).terms.filter((term) => term.field !== field).map((term) => term.text);
  return [...others, written(field, [one])].join(' ');
}

// The expression for a text with * and ?.
export function globbed(text) {
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp('^' + escaped + '$', 'is');
}
