import type { LogQuery } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { asIs, defineCommand, latestFlag, single, toggle, type Values } from '../definition.ts';
import { logPrinter } from '../format/log-line.ts';
import { mergeLogs } from '../merge-logs.ts';
import { optionalInstant } from '../value/instant.ts';

const flags = {
  color: toggle('Show each container in a color of its own'),
  details: toggle('Put what the log driver was told to note before each line'),
  follow: toggle('Go on until the containers end', { short: 'f' }),
  latest: latestFlag,
  names: toggle('Put the name of the container before each line; of several, the ID stands there otherwise'),
  since: single('string', asIs, 'Only what is newer: 2026-01-31T12:00:00Z, Unix seconds, or 42m for minutes ago'),
  tail: single('string', parseTail, 'Number of lines from the end', { short: 'n', shown: 'all' }),
  timestamps: toggle('Put the time before each line', { short: 't' }),
  until: single('string', asIs, 'Only what is older; written as for --since'),
} as const;

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  flags,
  examples: [{ line: 'logs -f --color --names web db', says: 'What two containers write, as they write it' }],
  async run({ flags, args, context }) {
    const { since, until, tail, follow, timestamps, details, names, color } = flags;
    const [from, to] = [
      optionalInstant(since, context.now(), 'since'),
      // As with Docker, the beginning of time is no end.
      until === '0' ? undefined : optionalInstant(until, context.now(), 'until'),
    ];
    const query = {
      follow,
      ...(tail !== undefined && tail !== 'all' && { tail }),
      ...(from !== undefined && { since: from }),
      ...(to !== undefined && { until: to }),
    };
    const [ref = '', ...others] = args;
    if (others.length > 0 || details || names || color) return await printEntries(args, query, flags, context);
    const engine = await context.engine();
    for await (const chunks of engine.containers.logBytes(ref, { ...query, timestamps })) {
      for (const { stream, bytes } of chunks) context[stream].print(bytes);
    }
    return 0;
  },
});

/** Line by line: each is told apart from those of the others. */
async function printEntries(
  refs: readonly string[],
  query: LogQuery,
  { names, timestamps, details, color, follow }: Values<typeof flags>,
  context: Context,
): Promise<number> {
  const engine = await context.engine();
  const found = [];
  for (const ref of refs) found.push(await engine.containers.get(ref));
  const prefixes = found.map(({ id, name }) => (names ? name : found.length > 1 ? id.slice(0, 12) : null));
  const print = logPrinter(prefixes, { timestamps, details, color });
  const logs = found.map(({ id }) => engine.containers.logs(id, query));
  for await (const { source, entry } of mergeLogs(logs, follow)) context[entry.stream].print(print(source, entry));
  return 0;
}

/** Lines, or "all", which any negative number means, too. */
function parseTail(text: string): number | 'all' {
  if (text === 'all' || text === '' || /^-\d+$/.test(text)) return 'all';
  if (!/^\d{1,15}$/.test(text)) throw new OnggiError('invalid', `'${text}' is neither a number of lines nor "all"`);
  return Number(text);
}
