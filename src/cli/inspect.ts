/** `inspect` of containers, images, or whatever has the name. */
import { OnggiError } from '../errors.ts';
import type { Context, EngineFace } from './context.ts';
import { asIs, type Command, defineCommand, single } from './definition.ts';
import { compileRecord } from './format/record.ts';
import { volumeRecord } from './format/volume-row.ts';
import { oneOf } from './value/number.ts';

export type InspectType = 'container' | 'image' | 'volume';

const completes = { container: 'containers', image: 'images', volume: 'volumes' } as const;

const format = single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' });

/** @param type what the command is about, if the user doesn't choose */
export function inspectCommand(type?: InspectType): Command {
  if (type === undefined) return inspectAny;
  return defineCommand({
    usage: `[OPTIONS] ${type.toUpperCase()} [${type.toUpperCase()}...]`,
    positionals: { min: 1, max: null },
    completes: completes[type],
    flags: { format },
    refused: { switches: ['size'], shorts: { s: 'size' } },
    run: ({ flags, args, context }) => inspect(args, type, flags.format, context),
  });
}

const inspectAny = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  flags: {
    format,
    type: single('string', oneOf('type', ['container', 'image', 'volume']), 'container, image or volume'),
  },
  refused: { switches: ['size'], shorts: { s: 'size' } },
  run: ({ flags, args, context }) => inspect(args, flags.type, flags.format, context),
});

async function inspect(
  refs: readonly string[],
  type: InspectType | undefined,
  format: string | undefined,
  context: Context,
): Promise<number> {
  const print = format === undefined || format === '' || format === 'json' ? undefined : compileRecord(format);
  const engine = await context.engine();
  const records: unknown[] = [];
  const problems: unknown[] = [];
  for (const ref of refs) {
    try {
      const record = await lookUp(ref, type, engine);
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

async function lookUp(ref: string, type: InspectType | undefined, engine: EngineFace): Promise<unknown> {
  if (type === 'image') return await engine.images.inspect(ref);
  if (type === 'volume') return volumeRecord(await engine.volumes.get(ref));
  try {
    return await engine.containers.inspect(ref);
  } catch (error) {
    if (type === 'container' || !isNotFound(error)) throw error;
  }
  try {
    return await engine.images.inspect(ref);
  } catch (error) {
    // A name of a container need not be a valid reference of an image.
    if (!isNotFound(error) && !(error instanceof OnggiError && error.code === 'invalid')) throw error;
  }
  try {
    return volumeRecord(await engine.volumes.get(ref));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new OnggiError('not-found', `No such object: ${ref}`, { cause: error });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof OnggiError && error.code === 'not-found';
}
