import type { FoundRepository } from '../../engine/index.ts';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { type Filter, parseFilter } from '../format/filter.ts';
import { compileListing, type Listing, type Row } from '../format/listing.ts';
import { integer, parseBoolean } from '../value/number.ts';

const listing: Listing = {
  subject: 'repository',
  headings: {
    Description: 'DESCRIPTION',
    IsAutomated: 'AUTOMATED',
    IsOfficial: 'OFFICIAL',
    Name: 'NAME',
    StarCount: 'STARS',
  },
  table: '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}',
};

/** Characters of a description in the table, as Docker has them. */
const shortDescription = 45;

export const command = defineCommand({
  usage: '[OPTIONS] TERM',
  positionals: { min: 1, max: 1 },
  flags: {
    filter: list('filter', parseFilter, 'Show only those that match: stars=NUMBER, is-official=true', {
      short: 'f',
      emptyIsAbsent: true,
    }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each repository"),
    limit: single('int', integer(0, 100), 'Number of repositories that are asked for, at most 100', { shown: '25' }),
    'no-trunc': toggle('Show descriptions in full'),
  },
  async run({ flags, args: [term = ''], context }) {
    const format = compileListing(listing, flags.format);
    const matches = flags.filter.map(testOf);
    const engine = await context.engine();
    const found = await engine.registries.search(
      term,
      flags.limit === undefined || flags.limit === 0 ? {} : { limit: flags.limit },
    );
    const shown = found.filter((repository) => matches.every((test) => test(repository)));
    context.stdout.print(format.print(shown.map((repository) => rowOf(repository, !flags['no-trunc']))));
    return 0;
  },
});

function testOf({ key, value }: Filter): (repository: FoundRepository) => boolean {
  if (key === 'stars') {
    const least = integer(0)(value);
    return ({ stars }) => stars >= least;
  }
  if (key === 'is-official') {
    const wanted = parseBoolean(value);
    return ({ official }) => official === wanted;
  }
  if (key === 'is-automated') {
    const wanted = parseBoolean(value);
    return ({ automated }) => automated === wanted;
  }
  throw new OnggiError('invalid', `Invalid filter '${key}'`, { hint: 'There are: is-automated, is-official, stars.' });
}

function rowOf({ name, description, stars, official, automated }: FoundRepository, truncate: boolean): Row {
  const line = printable(description);
  const long = [...line];
  const short = truncate && long.length > shortDescription ? `${long.slice(0, shortDescription - 1).join('')}…` : line;
  return {
    Description: short,
    IsAutomated: automated ? '[OK]' : '',
    IsOfficial: official ? '[OK]' : '',
    Name: printable(name),
    StarCount: stars,
  };
}

/** Foreign text must not write to the terminal otherwise than as one line. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
