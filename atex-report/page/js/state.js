// What is shown: kept in the address after the #, so that a link shows the same.

const DEFAULTS = { view: 'results', q: '', sort: '', row: '', by: '', waivers: '' };

export const state = { ...DEFAULTS };
const listeners = [];
// How the row that is open is named in an address: so that it is found in a page that was made again.
const naming = { name: (row) => row, find: (name) => name };

export function nameRowsBy(name, find) {
  Object.assign(naming, { name, find });
}

export function onChange(listener) {
  listeners.push(listener);
}

// Reads the address; tells nobody.
export function fromAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(DEFAULTS)) state[key] = said.get(key) ?? DEFAULTS[key];
  state.row = state.row && naming.find(state.row);
}

// Changes what is shown. A step that people want to go back to is kept in the history, typing and moving about is not.
export function show(changes, step = true) {
  const before = { ...state };
  Object.assign(state, changes);
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) if (value !== DEFAULTS[key]) said.set(key, key === 'row' ? naming.name(value) : value);
  const hash = '#' + said.toString().replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%40', '@');
  if (hash !== (location.hash || '#')) history[step ? 'pushState' : 'replaceState'](null, '', hash === '#' ? location.pathname + location.search : hash);
  told(before);
}

export function told(before) {
  for (const listener of listeners) listener(before);
}
