/**
 * `--format` of lists: `table`, `table TEMPLATE`, `json`, `raw` is refused, else a Go template for each row. Pure.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { TemplateFunction } from '../template/function.ts';
import { escapeHtml, goJson, isRecord, sortedKeys } from '../template/print.ts';
import { compileTemplate, type Template } from '../template/template.ts';
import { alignColumns } from './columns.ts';

/** What a template may name, sorted by name; a function is a method (`.Label "x"`). */
export type Row = Readonly<Record<string, unknown>>;

export type Listing = {
  /** What one row is about, for messages: "container". */
  readonly subject: string;
  /** Column headings by field. */
  readonly headings: Readonly<Record<string, string>>;
  /** The template of the table without `--format`. */
  readonly table: string;
};

export type ListingFormat = {
  /** Fields that the templates name, as far as that can be told from their text. */
  readonly mentions: (field: string) => boolean;
  readonly print: (rows: readonly Row[]) => string;
};

/**
 * @param format the flag's value; undefined and "" mean the table
 * @throws OnggiError `invalid` on a template that can't be parsed
 */
export function compileListing(listing: Listing, format: string | undefined): ListingFormat {
  const chosen = format === undefined || format === '' || format === 'table' ? `table ${listing.table}` : format;
  if (chosen === 'raw') throw unsupported("format 'raw'", 'Use --format json.');
  const isTable = chosen.startsWith('table ');
  const source = expandEscapes(
    chosen === 'json' ? '{{json .}}' : isTable ? chosen.slice('table '.length).trim() : chosen,
  );
  const row = compileTemplate(source, { missing: missingIn(listing), functions: { json: rowJson } });
  const mentions = (field: string) => source.includes(field) || /{{\s*json\s+\.\s*}}/.test(source);
  if (!isTable) return { mentions, print: (rows) => rows.map((each) => `${row(each)}\n`).join('') };
  const heading = compileTemplate(source, { missing: missingIn(listing), functions: headingFunctions })(
    headingRow(listing),
  );
  return { mentions, print: (rows) => printTable(heading, row, rows) };
}

function printTable(heading: string, row: Template, rows: readonly Row[]): string {
  return alignColumns([heading, ...rows.map(row)].map((line) => line.split('\t')));
}

/** `\t` and `\n` as people type them in a shell. */
function expandEscapes(source: string): string {
  return source.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

function missingIn({ subject, headings }: Listing): (name: string) => never {
  return (name) => {
    throw new OnggiError('invalid', `template parsing error: can't evaluate field ${name} of ${subject}`, {
      hint: `There are: ${Object.keys(headings)
        .map((field) => `.${field}`)
        .join(' ')}`,
    });
  };
}

function rowJson(value: unknown): string {
  if (!isRecord(value)) return goJson(value);
  return escapeHtml(goJson(Object.fromEntries(sortedKeys(value).map((key) => [key, value[key]]))));
}

function headingRow({ headings }: Listing): Row {
  const label = (name: unknown) => String(name).split('.').at(-1)?.replace(/[-_]/g, ' ') ?? '';
  return { ...headings, ...('Labels' in headings && { Label: label }) };
}

/** In a heading, functions leave the heading as it is. */
const same: TemplateFunction = (...args) => args.find((arg) => typeof arg === 'string') ?? '';
const headingFunctions = Object.fromEntries(
  ['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate', 'pad', 'print', 'println'].map((name) => [
    name,
    same,
  ]),
);
