/**
 * `--format` of lists: `table`, `table TEMPLATE`, `json`, `raw`, else a Go template for each row. Pure.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { TemplateFunction } from '../template/function.ts';
import { escapeHtml, goJson, isRecord, sortedKeys } from '../template/print.ts';
import { compileTemplate } from '../template/template.ts';
import { alignColumns, alignedAscii } from './columns.ts';

/** What a template may name, sorted by name; a function is a method (`.Label "x"`). */
export type Row = Readonly<Record<string, unknown>>;

export type Listing = {
  /** What one row is about, for messages: "container". */
  readonly subject: string;
  /** Column headings by field. */
  readonly headings: Readonly<Record<string, string>>;
  /** The template of the table without `--format`. */
  readonly table: string;
  /** The template of `--format raw`, where Docker has one. */
  readonly raw?: string | undefined;
};

export type ListingFormat = {
  /** Fields that the templates name, as far as that can be told from their text. */
  readonly mentions: (field: string) => boolean;
  readonly print: (rows: readonly Row[]) => string;
  /** As `print`, of things whose rows are made only where a template asks for more than fields. */
  readonly printEach: <T>(things: readonly T[], shown: Shown<T>) => string;
};

/** How things are shown of which there may be hundreds. */
export type Shown<T> = {
  /** What a field of the listing's headings is of each; undefined for any other field. */
  readonly column: (field: string) => (thing: T) => unknown;
  readonly row: (thing: T) => Row;
};

const itself: Shown<Row> = { column: (field) => (row) => row[field], row: (row) => row };

/**
 * @param format the flag's value; undefined and "" mean the table
 * @throws OnggiError `invalid` on a template that can't be parsed
 */
export function compileListing(listing: Listing, format: string | undefined): ListingFormat {
  const chosen = format === undefined || format === '' || format === 'table' ? `table ${listing.table}` : format;
  if (chosen === 'raw' && listing.raw === undefined) throw unsupported("format 'raw'", 'Use --format json.');
  const { raw = '' } = listing;
  const isTable = chosen.startsWith('table');
  const source = expandEscapes(
    chosen === 'json' ? '{{json .}}' : isTable ? chosen.slice('table'.length).trim() : chosen === 'raw' ? raw : chosen,
  );
  const compiled = () => compileTemplate(source, { missing: missingIn(listing), functions: { json: rowJson } });
  const plain = plainColumns(source, listing);
  // What is wrong with a template is said before anything is looked up; in one of fields only nothing can be.
  let template = plain.length === 0 ? compiled() : undefined;
  const executed = (row: Row): string[] => {
    template ??= compiled();
    return template(row).split('\t');
  };
  const mentions = (field: string) => source.includes(field) || /{{\s*json\s+\.\s*}}/.test(source);
  const heading = isTable ? headingCells(source, listing, plain) : undefined;
  const printEach: ListingFormat['printEach'] = (things, { column, row }) => {
    // A mistake in a template must not wait for the first row.
    if (things.length === 0 && heading === undefined) checkFields(source, listing);
    const columns = plain.map(column);
    const texts = things.map((thing) => textCells(thing, columns));
    if (heading !== undefined && texts.every((text) => text !== undefined)) {
      const table = alignedAscii([heading, ...texts]);
      if (table !== undefined) return table;
    }
    const cells = things.map((thing, index) => withoutTabs(texts[index]) ?? executed(row(thing)));
    if (heading !== undefined) return alignColumns([heading, ...cells]);
    return cells.map((each) => `${each.join('\t')}\n`).join('');
  };
  return { mentions, print: (rows) => printEach(rows, itself), printEach };
}

/** Executes a template on headings in place of a row. @throws OnggiError `invalid` when it names a field that there is not */
function checkFields(source: string, listing: Listing): void {
  let wrong: unknown;
  const missing = (name: string) => {
    try {
      return missingIn(listing)(name);
    } catch (error) {
      wrong = error;
      throw error;
    }
  };
  try {
    compileTemplate(source, { missing, functions: { json: rowJson } })(headingRow(listing));
  } catch (error) {
    // Whatever else there is to say is about the headings, which are no row.
    if (error === wrong) throw error;
  }
}

/** Those of the table without `--format`. */
export function tableHeadings(listing: Listing): readonly string[] {
  return headingCells(listing.table, listing, plainColumns(listing.table, listing));
}

function headingCells(source: string, listing: Listing, plain: readonly string[]): readonly string[] {
  if (plain.length > 0) return plain.map((field) => listing.headings[field] ?? '');
  const heading = compileTemplate(source, { missing: missingIn(listing), functions: headingFunctions });
  return heading(headingRow(listing)).split('\t');
}

/**
 * The fields of a template that is nothing but fields with tabs between them, as those of the tables are; none of any
 * other. Of hundreds of rows these are read five times as fast as a template is executed.
 */
function plainColumns(source: string, { headings }: Listing): readonly string[] {
  if (!source.startsWith('{{.') || !source.endsWith('}}')) return [];
  const fields = source.slice(3, -2).split('}}\t{{.');
  return fields.every((field) => Object.hasOwn(headings, field)) ? fields : [];
}

/** Undefined where there are none, or one of them is no text. */
function textCells<T>(thing: T, columns: readonly ((thing: T) => unknown)[]): string[] | undefined {
  if (columns.length === 0) return undefined;
  const cells: string[] = [];
  for (const column of columns) {
    const value = column(thing);
    if (typeof value !== 'string') return undefined;
    cells.push(value);
  }
  return cells;
}

/** A tab in a cell would begin another one. */
function withoutTabs(cells: string[] | undefined): string[] | undefined {
  return cells?.some((cell) => cell.includes('\t')) ? undefined : cells;
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
