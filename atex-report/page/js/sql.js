// Links of an older page, whose filter was a condition of SQL, brought into the language of this one.

const SQL_COLUMNS = { platform: 'platform', status: 'status', test: 'test', subtest: 'subtest', note: 'note', files: 'file' };

// The filter for a condition such as `status = 'fail' AND platform LIKE '%9%'`; null if it says more than can be said here.
export function fromSql(text) {
  const words = [];
  const rest = text.replace(/\s*(?:'((?:[^']|'')*)'|([A-Za-z_]+)|(<>|!=|=|\(|\)|,))\s*/gy, (_, quoted, word, sign) => {
    words.push(quoted !== undefined ? { text: quoted.replaceAll("''", "'") } : { word: word || sign });
    return '';
  });
  if (rest.trim() !== '') return null;
  let place = 0;
  const is = (...wanted) => wanted.every((one, more) => (words[place + more]?.word || '').toUpperCase() === one);
  const take = (...wanted) => is(...wanted) && ((place += wanted.length), true);
  const value = () => words[place++]?.text;
  const quote = (one) => '"' + one.replaceAll('"', '?') + '"';
  const glob = (like) => quote(like.replaceAll('%', '*').replaceAll('_', '?'));
  const condition = () => {
    const column = SQL_COLUMNS[(words[place++]?.word || '').toLowerCase()];
    if (!column) return null;
    const said = (no, list) => (list.includes(undefined) ? null : { column, no, list });
    if (take('IS', 'NULL')) return said(false, ['none']);
    if (take('IS', 'NOT', 'NULL')) return said(true, ['none']);
    if (take('=')) return said(false, [value()].map((one) => one && quote(one)));
    if (take('!=') || take('<>')) return said(true, [value()].map((one) => one && quote(one)));
    const no = take('NOT');
    if (take('LIKE') || take('GLOB')) return said(no, [value()].map((one) => one && glob(one)));
    if (!take('IN', '(')) return null;
    const list = [];
    do list.push(value()); while (take(','));
    return take(')') ? said(no, list.map((one) => one && quote(one))) : null;
  };
  // Conditions on one column that are joined by OR are one filter with several values.
  const either = () => {
    const open = take('(');
    const all = condition();
    while (all && take('OR')) {
      const next = condition();
      if (!next || next.column !== all.column || next.no || all.no) return null;
      all.list.push(...next.list);
    }
    return all && (!open || take(')')) ? all : null;
  };
  const terms = [];
  do {
    const one = either();
    if (!one) return null;
    terms.push((one.no ? '-' : '') + one.column + ':' + one.list.join(','));
  } while (take('AND'));
  return place === words.length ? terms.join(' ') : null;
}
