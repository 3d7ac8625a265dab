import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { parseInstant } from '../value/instant.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  flags: {
    follow: toggle('Go on until the container ends', { short: 'f' }),
    since: single('string', asIs, 'Only what is newer: 2026-01-31T12:00:00Z, Unix seconds, or 42m for minutes ago'),
    tail: single('string', parseTail, 'Number of lines from the end', { short: 'n', shown: 'all' }),
    timestamps: toggle('Put the time before each line', { short: 't' }),
    until: single('string', asIs, 'Only what is older; written as for --since'),
  },
  refused: { switches: ['details'] },
  async run({ flags, args: [ref = ''], context }) {
    const { since, until, tail, follow, timestamps } = flags;
    const engine = await context.engine();
    const query = {
      follow,
      ...(tail !== undefined && tail !== 'all' && { tail }),
      ...(since !== undefined && { since: parseInstant(since, context.now(), 'since') }),
      ...(until !== undefined && { until: parseInstant(until, context.now(), 'until') }),
    };
    for await (const chunks of engine.containers.logBytes(ref, { ...query, timestamps })) {
      for (const { stream, bytes } of chunks) context[stream].print(bytes);
    }
    return 0;
  },
});

/** Lines, or "all", which any negative number means, too. */
function parseTail(text: string): number | 'all' {
  if (text === 'all' || text === '' || /^-\d+$/.test(text)) return 'all';
  if (!/^\d{1,15}$/.test(text)) throw new OnggiError('invalid', `'${text}' is neither a number of lines nor "all"`);
  return Number(text);
}
