/** Text of many rows, JSON Lines, a JSON array or CSV, to raw rows. */
import { CsvRows } from '../files/csv-rows.ts';
import { TableSourceError, type RawRow, type RejectedRow } from './types.ts';

export type RowFormat = 'csv' | 'jsonl' | 'json';

export interface ParsedRows { readonly rows: RawRow[]; readonly rejected: RejectedRow[] }

const LINE_FEED = 10;

/** By the name: `.csv` and `.tsv` are CSV, `.json` is one JSON array, all else JSON Lines, compressed or not. */
export function formatOfName(path: string): RowFormat {
  if (/\.(csv|tsv)(\.(gz|zst))?$/i.test(path)) return 'csv';
  return /\.json(\.(gz|zst))?$/i.test(path) ? 'json' : 'jsonl';
}

/**
 * `from` names the text in errors. Throws TableSourceError where it is not of the format as a whole: CSV without a header, with a header that names a
 * column twice, or that ends within quotes; JSON that is no array; and for a text without a byte, which is what a file that is being written looks like.
 */
export function parseRows(bytes: Uint8Array, format: RowFormat, from: string, separator = ','): ParsedRows {
  if (bytes.length === 0) throw new TableSourceError(`${from} is empty. A table without rows is ${format === 'csv' ? 'a header alone' : format === 'json' ? '[]' : 'a blank line'}.`);
  switch (format) {
    case 'csv': return parseCsv(bytes, from, separator);
    case 'json': return parseArray(bytes, from);
    case 'jsonl': return parseLines(bytes);
  }
}

function parseCsv(given: Uint8Array, from: string, separator: string): ParsedRows {
  const bytes = given[0] === 0xef && given[1] === 0xbb && given[2] === 0xbf ? given.subarray(3) : given;
  const cells = new CsvRows(separator.charCodeAt(0));
  if (cells.read(bytes, 0, bytes.length, true) !== 'row') throw new TableSourceError(`${from}, line 1: this is no header of CSV.`);
  const header = Array.from({ length: cells.cells }, (_, i) => cells.text(bytes, i).trim());
  const twice = header.find((name, i) => name !== '' && header.indexOf(name) !== i);
  if (twice !== undefined) throw new TableSourceError(`${from}, line 1: the header names "${twice}" twice.`);
  const rows: RawRow[] = [];
  const rejected: RejectedRow[] = [];
  let line = 1 + cells.lines;
  for (let at = cells.next; at < bytes.length; at = cells.next) {
    const result = cells.read(bytes, at, bytes.length, true);
    const where = `line ${line}`;
    line += cells.lines;
    if (result !== 'row') {
      rejected.push({ where, problem: 'a quote is not closed, or something stands behind a closing one' });
      continue;
    }
    if (cells.cells === 1 && cells.from[0] === cells.to[0] && cells.quoted[0] === 0) continue;
    if (cells.cells !== header.length) {
      rejected.push({ where, problem: `it has ${cells.cells} cells, and the header ${header.length}` });
      continue;
    }
    const values: Record<string, unknown> = {};
    for (let i = 0; i < header.length; i++) if (cells.to[i]! > cells.from[i]!) values[header[i]!] = cells.text(bytes, i);
    rows.push({ where, values, isText: true });
  }
  return { rows, rejected };
}

function parseLines(bytes: Uint8Array): ParsedRows {
  const rows: RawRow[] = [];
  const rejected: RejectedRow[] = [];
  let line = 0;
  for (let at = 0; at < bytes.length;) {
    const feed = bytes.indexOf(LINE_FEED, at);
    const end = feed < 0 ? bytes.length : feed;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString().replace(/^\uFEFF/, '').trim();
    at = end + 1;
    line++;
    if (text !== '') addJson(text, `line ${line}`, undefined, { rows, rejected });
  }
  return { rows, rejected };
}

function parseArray(bytes: Uint8Array, from: string): ParsedRows {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new TableSourceError(`${from} is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) throw new TableSourceError(`${from} is not a JSON array of rows.`);
  const parsed: ParsedRows = { rows: [], rejected: [] };
  value.forEach((row: unknown, i) => { add(row, `row ${i + 1}`, undefined, parsed); });
  return parsed;
}

/** Adds the row that a JSON text holds, or its reject. */
export function addJson(text: string, where: string, key: string | undefined, to: ParsedRows): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    to.rejected.push({ where, problem: `it is not JSON: ${(error as Error).message}` });
    return;
  }
  add(value, where, key, to);
}

function add(value: unknown, where: string, key: string | undefined, { rows, rejected }: ParsedRows): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) rejected.push({ where, problem: 'it is not a JSON object' });
  else rows.push({ where, values: value as Record<string, unknown>, isText: false, key });
}
