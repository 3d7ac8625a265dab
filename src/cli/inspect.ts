/** `inspect` of containers, images, networks, volumes, secrets, or whatever has the name. */
import { OnggiError } from '../errors.ts';
import type { Context, EngineFace } from './context.ts';
import { asIs, type Command, defineCommand, latestFlag, single, toggle } from './definition.ts';
import { compileRecord } from './format/record.ts';
import { secretRecord } from './format/secret-row.ts';
import { volumeRecord } from './format/volume-row.ts';

export type InspectType = 'container' | 'image' | 'volume' | 'network' | 'secret';

/** Docker's status for a template that can't be parsed. */
const badTemplate = 64;

type Ask = { readonly size: boolean; readonly platform?: string | undefined };

/** In the order in which a name is looked for, as with Docker. */
const lookUps: Readonly<Record<InspectType, (ref: string, engine: EngineFace, ask: Ask) => Promise<unknown>>> = {
  container: (ref, engine, { size }) => engine.containers.inspect(ref, { size }),
  image: (ref, engine, { platform }) => engine.images.inspect(ref, platform),
  network: (ref, engine) => engine.networks.inspect(ref),
  volume: async (ref, engine) => volumeRecord(await engine.volumes.get(ref)),
  secret: async (ref, engine) => secretRecord(await engine.secrets.get(ref)),
};

const types = Object.keys(lookUps) as InspectType[];

const completes = {
  container: 'containers',
  image: 'images',
  volume: 'volumes',
  network: 'none',
  secret: 'secrets',
} as const;

export const formatFlag = single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' });
const size = toggle('Show how much room the files of a container take', { short: 's' });

/** @param type what the command is about, if the user doesn't choose */
export function inspectCommand(type?: InspectType): Command {
  if (type === undefined) return inspectAny;
  if (type === 'container') return inspectContainers;
  return defineCommand({
    usage: `[OPTIONS] ${type.toUpperCase()} [${type.toUpperCase()}...]`,
    positionals: { min: 1, max: null },
    completes: completes[type],
    flags: { format: formatFlag },
    run: ({ flags, args, context }) => inspectObjects(args, type, flags.format, { size: false }, context),
  });
}

const inspectContainers = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  flags: { format: formatFlag, latest: latestFlag, size },
  run: ({ flags, args, context }) => inspectObjects(args, 'container', flags.format, flags, context),
});

const inspectAny = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  positionals: { min: 1, max: null },
  completes: 'objects',
  latest: 'all',
  flags: {
    format: formatFlag,
    latest: latestFlag,
    size,
    type: single('string', asIs, `Only look for this: ${types.join(', ')}`),
  },
  run: ({ flags, args, context }) => inspectObjects(args, typeOf(flags.type), flags.format, flags, context),
});

/** @throws OnggiError `invalid` */
function typeOf(text: string | undefined): InspectType | undefined {
  if (text === undefined) return undefined;
  const found = types.find((type) => type === text);
  if (found !== undefined) return found;
  const known = types.map((type) => `"${type}"`).join(', ');
  const what = text === '' ? 'type is empty' : `unknown type: "${text}"`;
  throw new OnggiError('invalid', `${what}: must be one of ${known}`);
}

export async function inspectObjects(
  refs: readonly string[],
  type: InspectType | undefined,
  format: string | undefined,
  ask: Ask,
  context: Context,
): Promise<number> {
  let print: ((record: unknown) => string) | undefined;
  try {
    print = format === undefined || format === '' || format === 'json' ? undefined : compileRecord(format);
  } catch (error) {
    context.report(error);
    return badTemplate;
  }
  const engine = await context.engine();
  const records: unknown[] = [];
  const problems: unknown[] = [];
  for (const ref of refs) {
    try {
      const { record, found } = await lookUp(ref, type, engine, ask);
      if (ask.size && found !== 'container') context.stderr.print(`WARNING: --size ignored for ${found}\n`);
      if (print === undefined) records.push(record);
      else context.stdout.print(`${print(record)}\n`);
    } catch (problem) {
      problems.push(problem);
    }
  }
  if (print === undefined) context.stdout.print(`${JSON.stringify(records, null, format === 'json' ? 0 : 4)}\n`);
  for (const problem of problems) context.report(problem);
  return problems.length === 0 ? 0 : 1;
}

async function lookUp(
  ref: string,
  wanted: InspectType | undefined,
  engine: EngineFace,
  ask: Ask,
): Promise<{ readonly record: unknown; readonly found: InspectType }> {
  if (wanted !== undefined) return { record: await lookUps[wanted](ref, engine, ask), found: wanted };
  for (const found of types) {
    try {
      return { record: await lookUps[found](ref, engine, ask), found };
    } catch (error) {
      if (!isElsewhere(error)) throw error;
    }
  }
  throw new OnggiError('not-found', `No such object: ${ref}`);
}

/** A name of a container need not be a valid reference of an image, or a name of a secret. */
function isElsewhere(error: unknown): boolean {
  return error instanceof OnggiError && (error.code === 'not-found' || error.code === 'invalid');
}
