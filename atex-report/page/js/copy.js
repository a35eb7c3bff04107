// The filtered rows as Markdown, CSV and JSON lines: into the clipboard, or as a file.

import { el } from './text.js';

const TABLE_MAX = 500;
const COMMENT_MAX = 65000;

function cells(data, at) {
  const number = data.row.attempt[at];
  const { attempt, row } = data;
  return {
    platform: data.platforms[attempt.platform[number]],
    status: data.statuses[row.status[at]] || null,
    test: data.tests[attempt.test[number]],
    subtest: row.subtest[at] ? data.subtests[row.subtest[at]] : null,
    files: data.filesOf(at),
    note: row.note[at] ? data.notes[row.note[at]] : null,
  };
}

// What Markdown and HTML would take for markup is shown as it is.
function plain(text) {
  const line = (text ?? '').replace(/\s+/g, ' ').slice(0, 300);
  return line.replace(/[\\`*_[\]<>|~#@&]/g, (one) => '\\' + one).replaceAll('\\<', '&lt;').replaceAll('\\&', '&amp;').replaceAll('\\@', '@\u200b');
}

export function markdown(data, rows, title) {
  const lines = [`**${plain(title)}**: ${rows.length} results`, '', '| status | test | subtest | platform | note |', '|---|---|---|---|---|'];
  let length = lines.join('\n').length;
  for (const [place, at] of rows.entries()) {
    const one = cells(data, at);
    const line = `| ${plain(one.status)} | ${plain(one.test)} | ${plain(one.subtest)} | ${plain(one.platform)} | ${plain(one.note)} |`;
    length += line.length + 1;
    if (place >= TABLE_MAX || length > COMMENT_MAX) {
      lines.push('', `… and ${rows.length - place} more`);
      break;
    }
    lines.push(line);
  }
  return lines.join('\n') + '\n';
}

export function csv(data, rows) {
  // A cell that a spreadsheet would take for a formula is made a text.
  const cell = (text) => '"' + (text ?? '').replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""') + '"';
  const lines = ['platform,status,test,subtest,files,note'];
  for (const at of rows) {
    const one = cells(data, at);
    lines.push([one.platform, one.status, one.test, one.subtest, one.files.join(' '), one.note].map(cell).join(','));
  }
  return lines.join('\r\n') + '\r\n';
}

// The lines that ATEX writes: platform, status, test, subtest, files, note.
export function jsonLines(data, rows) {
  let text = '';
  for (const at of rows) {
    const one = cells(data, at);
    text += JSON.stringify([one.platform, one.status, one.test, one.subtest, one.files, one.note]) + '\n';
  }
  return text;
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el('textarea', { class: 'offscreen', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

export function saveText(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
