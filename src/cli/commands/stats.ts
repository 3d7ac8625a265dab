import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerSample } from '../../engine/types.ts';
import { codes, OnggiError } from '../../errors.ts';
import type { Context, EngineFace } from '../context.ts';
import { asIs, defineCommand, latestFlag, single, toggle } from '../definition.ts';
import { compileListing, type ListingFormat } from '../format/listing.ts';
import { statsListing, statsRow } from '../format/stats-row.ts';
import { interruptible } from '../interrupt.ts';

/** Milliseconds between two looks. */
const interval = 1000;

export const command = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  positionals: { min: 0, max: null },
  completes: 'running',
  latest: 'all',
  flags: {
    all: toggle('Show those that do not run, too', { short: 'a' }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each container"),
    latest: latestFlag,
    'no-stream': toggle('Print one look and end'),
    'no-trunc': toggle('Show IDs in full'),
  },
  examples: [
    { line: 'stats --no-stream --format "{{.Name}} {{.CPUPerc}}"', says: 'What all that run use of the CPUs' },
  ],
  async run({ flags, args, context }) {
    const engine = await context.engine();
    const watch: Watch = {
      engine,
      // A name that there is none of is told at once, and is no reason to wait.
      refs: args.length === 0 ? undefined : await known(engine, args),
      all: flags.all,
      truncate: !flags['no-trunc'],
      format: compileListing(statsListing, flags.format),
    };
    if (flags['no-stream']) await printOnce(watch, context);
    else return await printForever(watch, context);
    return 0;
  },
});

type Watch = {
  readonly engine: EngineFace;
  /** Undefined: all that run, or all. */
  readonly refs: readonly Ref[] | undefined;
  readonly all: boolean;
  readonly truncate: boolean;
  readonly format: ListingFormat;
};

type Ref = { readonly ref: string; readonly id: string };
type Looked = { readonly ref: string; readonly sample: ContainerSample };

async function known({ containers }: EngineFace, names: readonly string[]): Promise<Ref[]> {
  return await Promise.all(names.map(async (ref) => ({ ref, id: (await containers.get(ref)).id })));
}

async function look({ engine, refs, all }: Watch): Promise<Looked[]> {
  const wanted =
    refs ?? (await engine.containers.list({ all })).map(({ id }) => ({ ref: id.slice(0, 12), id: id as string }));
  const looked = await Promise.all(wanted.map(({ ref, id }) => lookAt(engine, ref, id)));
  return looked.flat();
}

/** Nothing of one that was removed meanwhile. */
async function lookAt({ containers }: EngineFace, ref: string, id: string): Promise<Looked[]> {
  try {
    return [{ ref, sample: await containers.stats(id) }];
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return [];
    throw error;
  }
}

function text({ format, truncate }: Watch, now: readonly Looked[], before: readonly Looked[]): string {
  const earlier = new Map(before.map(({ sample }) => [sample.id, sample]));
  return format.print(now.map(({ ref, sample }) => statsRow(ref, sample, earlier.get(sample.id), truncate)));
}

/** Two looks: the CPU's share is what was used between them. */
async function printOnce(watch: Watch, context: Context): Promise<void> {
  const before = await look(watch);
  if (before.some(({ sample }) => sample.running)) await pause(interval);
  context.stdout.print(text(watch, await look(watch), before));
}

/** Until nothing is left of what was named, or somebody interrupts: then Docker's status is that of the signal. */
async function printForever(watch: Watch, context: Context): Promise<number> {
  const live = context.stdout.isTerminal();
  try {
    await interruptible(context, 'stats', async (signal) => {
      let before: readonly Looked[] = [];
      if (live) context.stdout.print('\x1b[2J');
      for (;;) {
        const now = await look(watch);
        if (watch.refs !== undefined && now.length === 0) return;
        const printed = text(watch, now, before);
        context.stdout.print(live ? onTop(printed) : printed);
        before = now;
        await pause(interval, undefined, { signal });
      }
    });
    return 0;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    return codes.cancelled.exit;
  }
}

/** In place of what is on the screen, each line to its end: nothing is blank in between. */
function onTop(printed: string): string {
  return `\x1b[H${printed.replaceAll('\n', '\x1b[K\n')}\x1b[J`;
}
