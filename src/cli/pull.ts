/** Fetching an image, as `pull` does it and `run` and `create` when the image is missing. */
import { OnggiError } from '../errors.ts';
import { canonicalName, familiarName, parseReference } from '../oci/reference.ts';
import type { Context, EngineFace } from './context.ts';
import { ToldError } from './failure.ts';
import type { Output } from './output.ts';
import { pullProgress } from './progress.ts';
import type { PullPolicy } from './pull-policy.ts';

export type PullOptions = {
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean;
  readonly quiet: boolean;
};

/**
 * Progress goes to `output`. SIGINT and SIGTERM end it with nothing half-registered.
 * @throws OnggiError `not-found`, `unauthorized`, `unavailable`, `corrupt`, `cancelled`
 */
export async function pullImage(
  name: string,
  context: Context,
  output: Output,
  { platform, allPlatforms = false, quiet }: PullOptions,
): Promise<void> {
  const reference = parseReference(name);
  const engine = await context.engine();
  const abort = new AbortController();
  using _ = context.signals.on(['SIGINT', 'SIGTERM'], () =>
    abort.abort(new OnggiError('cancelled', 'pull interrupted')),
  );
  const progress = quiet ? undefined : pullProgress(output, context.now);
  const heading = reference.digest === null ? (reference.tag ?? 'latest') : familiarName(reference);
  let begun = false;
  const events = engine.images.pull(name, {
    allPlatforms,
    signal: abort.signal,
    ...(platform !== undefined && { platform }),
  });
  for await (const event of events) {
    // Not before the registry has answered: until then nothing is being pulled.
    if (!begun) progress?.line(`${heading}: Pulling from ${reference.repository}`);
    begun = true;
    progress?.event(event);
    if (event.type !== 'done') continue;
    const what = event.upToDate ? 'Image is up to date for' : 'Downloaded newer image for';
    progress?.line(`Status: ${what} ${familiarName(reference)}`);
  }
}

/** The name of a pulled image in full, what `pull` prints at its end. */
export function fullName(name: string): string {
  return canonicalName(parseReference(name));
}

/** Where a short name is looked for next: that a registry has no such image for us says nothing about the others. */
const looksOn: ReadonlySet<string> = new Set(['not-found', 'unauthorized', 'denied']);

/**
 * Pulls what a name without a registry stands for in the first registry of the search list that has it.
 * @returns the name as it was given, or in full where it was looked for
 * @throws as `pullImage`: of the last registry
 */
export async function pullFirst(name: string, context: Context, output: Output, options: PullOptions): Promise<string> {
  const engine = await context.engine();
  const names = await engine.registries.candidates(name);
  const last = names.pop() ?? fullName(name);
  if (names.length === 0 && last === fullName(name)) {
    await pullImage(name, context, output, options);
    return name;
  }
  for (const candidate of names) {
    try {
      await pullImage(candidate, context, output, options);
      return candidate;
    } catch (error) {
      if (!(error instanceof OnggiError) || !looksOn.has(error.code)) throw error;
      context.stderr.print(`${error.message}\n`);
    }
  }
  await pullImage(last, context, output, options);
  return last;
}

/**
 * Makes sure that the image of a new container is there, as far as `policy` lets it. Messages go to stderr.
 * @returns the name under which it is there
 */
export async function ensureImage(
  name: string,
  policy: PullPolicy | 'none',
  options: PullOptions,
  context: Context,
): Promise<string> {
  // The machine itself is an image that nobody serves.
  if (name === 'host' || policy === 'none') return name;
  const engine = await context.engine();
  if (policy === 'never') {
    const there = await findHere(name, options, engine);
    const other = there ?? (await findHere(name, { quiet: true }, engine));
    // What is not here at all, the engine tells.
    if (there === undefined && other !== undefined) throw otherPlatform(name, options.platform);
    return there?.image ?? name;
  }
  if (policy === 'missing') {
    const there = await findHere(name, options, engine);
    if (there !== undefined) return there.image;
    context.stderr.print(`Unable to find image '${familiarName(parseReference(name))}' locally\n`);
  }
  if (policy === 'newer') {
    const there = await findHere(name, options, engine);
    if (there !== undefined) return await pullNewer(there.name, options, context);
  }
  return await fetchImage(name, options, false, context);
}

function otherPlatform(name: string, platform = ''): OnggiError {
  return new OnggiError('not-found', `image "${name}": found, but not for the platform ${platform}`, {
    hint: 'Leave out --platform to take what is here, or --pull never to have it pulled.',
  });
}

async function fetchImage(name: string, options: PullOptions, silent: boolean, context: Context): Promise<string> {
  if (!context.ordinaryUser && context.compiled) return await pullFirst(name, context, context.stderr, options);
  await pullApart(name, options, silent, context);
  return (await findHere(name, options, await context.engine()))?.image ?? name;
}

/** As Podman's: an error of the pull is none, since there is an image; but who interrupts it wants it to end. */
async function pullNewer(there: string, options: PullOptions, context: Context): Promise<string> {
  try {
    return await fetchImage(there, { ...options, quiet: true }, true, context);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'cancelled') throw error;
    return there;
  }
}

type Here = {
  readonly name: string;
  /** The same, but where another image of its index is the one for the platform. */
  readonly image: string;
};

/** By the name as it stands, else by what it may stand for: the configuration is read only where that is needed. */
async function findHere(name: string, { platform }: PullOptions, engine: EngineFace): Promise<Here | undefined> {
  const own = await suiting(name, platform, engine);
  if (own !== undefined) return own;
  const candidates = await engine.registries.candidates(name);
  if (candidates.length === 1 && candidates[0] === fullName(name)) return undefined;
  for (const candidate of candidates) {
    const found = await suiting(candidate, platform, engine);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function suiting(name: string, platform: string | undefined, engine: EngineFace): Promise<Here | undefined> {
  if (!(await engine.images.exists(name))) return undefined;
  if (platform === undefined) return { name, image: name };
  try {
    return { name, image: await engine.images.forPlatform(name, platform) };
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** What `runAgain` makes of an end by a signal other than SIGINT; a SIGTERM ends a pull with 130, too. */
const killed = 143;

/**
 * By a process of its own (commands/pull-helper.ts). Layers have files of many ids, so that of an ordinary user moves into
 * a user namespace, which a container's run must not; and it compiles, which a run has no use for.
 */
async function pullApart(
  name: string,
  { platform, quiet }: PullOptions,
  silent: boolean,
  context: Context,
): Promise<void> {
  const flags = [...(quiet ? ['--quiet'] : []), ...(platform === undefined ? [] : ['--platform', platform])];
  const status = await context.runAgain(['pull-helper', ...flags, name], silent);
  if (status === 0) return;
  // By a signal: then it had no time to tell.
  if (status === killed) {
    throw new OnggiError('unavailable', `image "${name}": the process that pulled it was killed`, {
      hint: 'Try again; the machine may be out of memory.',
    });
  }
  throw new ToldError(status === 130 ? 'cancelled' : 'unavailable', `image "${name}": it was not pulled`);
}
