/** `cp`: from a container, the host or an archive, to a container, the host or an archive. Acts. */
import { OnggiError } from '../../errors.ts';
import { type EntryPath, parentOf, rootPath, shownPath } from '../../image/entry-path.ts';
import { inflated, inflationLimits } from '../../image/inflation.ts';
import { openDirectory } from '../../kernel/directory.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { lookUp } from '../container/look-up.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import type { Copied, CopyOptions, CopyPlace, CopySource, CopyTarget } from '../types/copy.ts';
import { type AskedPath, askedPath, decide, type Found, isInside, lastOf, type Placement } from './decide.ts';
import { helperSide } from './helper.ts';
import { ownerInContainer } from './owner.ts';
import { checkWritable } from './read-only.ts';
import { type ExtractAsk, localSide, type Side } from './side.ts';
import { openView, type View } from './view.ts';

/** @throws OnggiError `not-found`, `invalid`, `conflict`, `denied` (read-only), `cancelled`, ... */
export async function copy(
  context: Context,
  from: CopySource,
  to: CopyTarget,
  options: CopyOptions = {},
): Promise<Copied> {
  await using opened = new AsyncDisposableStack();
  const source = 'archive' in from ? from : await openEnd(context, from, opened);
  const target = 'write' in to ? to : await openEnd(context, to, opened, 'view' in source ? source.view : null);
  const counted = { bytes: 0 };
  if ('view' in source) tell(context, source, 'archive-path');
  if ('archive' in source) {
    if ('write' in target || target.view === null)
      throw new OnggiError('invalid', 'must specify at least one container source');
    const found = await target.side.find(target.asked, true);
    if (found.kind !== 'directory') {
      throw new OnggiError('invalid', `destination "${target.shown}" must be a directory`);
    }
    checkTarget(target, found.path);
    await target.side.extract(
      found.path,
      await askOf(context, target, options),
      passing(await uncompressed(source.archive), counted, options),
    );
    tell(context, target, 'extract-to-dir');
    return counted;
  }
  const found = await findSource(source, options.followLink === true);
  if ('write' in target) {
    const name = source.asked.contents ? rootPath : lastOf(options.followLink ? found.path : source.asked.path);
    for await (const piece of passing(source.side.archive(found, name), counted, options)) await target.write(piece);
    return counted;
  }
  const { below, name } = await placeIn(target, source.asked, found);
  checkInside(source, target, found, below);
  checkTarget(target, below);
  const pieces = passing(source.side.archive(found, name), counted, options);
  await target.side.extract(below, await askOf(context, target, options), pieces);
  tell(context, target, 'extract-to-dir');
  return counted;
}

/** As Docker takes them: by gzip, bzip2, xz and zstd, or as they are. */
async function uncompressed(archive: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const what = 'tar archive';
  const { withoutOldCompression } = await import('../../image/old-compression.ts');
  return inflated(withoutOldCompression(archive, what), what, inflationLimits(process.env));
}

type End = { readonly side: Side; readonly view: View | null; readonly asked: AskedPath; readonly shown: string };

/** In the words of Docker; what happens to files of the host is nobody's business. */
function tell({ store }: Context, { view }: End, action: 'archive-path' | 'extract-to-dir'): void {
  if (view !== null) emit(store, containerNews(view.container, action));
}

/** @param known of the other end, which may be the same container: one that does not run is locked by its view */
async function openEnd(
  context: Context,
  { container, path }: CopyPlace,
  opened: AsyncDisposableStack,
  known: View | null = null,
): Promise<End> {
  const asked = askedPath(path);
  const warn = (message: string): void => context.warn(message);
  if (container === null) {
    return { side: localSide(opened.use(openDirectory('/')), warn), view: null, asked, shown: path };
  }
  const isKnown = known !== null && (await lookUp(context, container)).id === known.container.id;
  const view = isKnown ? known : opened.use(await openView(context, container));
  const { root, mapped } = view;
  const command = context.helperCommand('copy-helper');
  const side = mapped === null ? localSide(root, warn) : helperSide({ root, process: mapped, command, warn });
  return { side, view, asked, shown: `${container}:${path}` };
}

async function findSource({ side, view, asked }: End, follow: boolean): Promise<Found> {
  const found = await side.find(asked, follow);
  if (found.kind === null) throw missing(view, asked.path, asked.shown);
  if (asked.directory && found.kind !== 'directory') {
    throw new OnggiError('invalid', `"${asked.shown}": not a directory`);
  }
  return found;
}

function missing(view: View | null, path: EntryPath, shown: string): OnggiError {
  if (view === null) return new OnggiError('not-found', `lstat ${shown}: no such file or directory`);
  return new OnggiError(
    'not-found',
    `Could not find the file /${shownPath(path)} in container ${view.container.row.name}`,
  );
}

/** @throws OnggiError `not-found` when the directory that it goes to is not there */
async function placeIn(target: End, source: AskedPath, { kind }: Found): Promise<Placement> {
  const { side, view, asked } = target;
  const found = await side.find(asked, true);
  if (view === null) checkNoDevice(asked, found);
  const placement = decide(source, kind ?? '', asked, found);
  const parent =
    found.kind === null ? await side.find({ path: parentOf(found.path), directory: true }, true) : undefined;
  if (parent === undefined || parent.kind === 'directory') return placement;
  if (view !== null) throw missing(view, parentOf(found.path), asked.shown);
  const directory = shownPath(parentOf(found.path));
  throw new OnggiError('not-found', `invalid output path: directory "/${directory}" does not exist`);
}

/** A file that is made there takes its place: /dev/null would be gone for the whole machine. */
function checkNoDevice({ shown }: AskedPath, { kind }: Found): void {
  if (kind !== 'character' && kind !== 'block') return;
  throw new OnggiError(
    'invalid',
    `invalid output path: "${shown}" must be a directory or a regular file: got a device`,
  );
}

function checkInside(source: End, target: End, { kind, path }: Found, below: EntryPath): void {
  const sameTree = source.view?.container.id === target.view?.container.id;
  if (!sameTree || kind !== 'directory' || !isInside(below, path)) return;
  throw new OnggiError('invalid', `cannot copy a directory, '${source.asked.shown}', into itself`);
}

function checkTarget({ view }: End, directory: EntryPath): void {
  if (view !== null) checkWritable(view.container.options, `/${shownPath(directory)}`);
}

async function askOf({ store }: Context, { side, view }: End, { archive = false }: CopyOptions): Promise<ExtractAsk> {
  if (view === null) {
    const keeps = archive && unprivileged() === undefined;
    return { followLinks: false, owner: keeps ? 'archive' : 'caller', privileges: archive };
  }
  const own = archive ? await ownerInContainer(store, side, view.container) : undefined;
  // Ids of an ordinary user are none of its container's: there it is root.
  const kept = unprivileged() === undefined ? 'archive' : { uid: 0, gid: 0 };
  return { followLinks: true, owner: own ?? kept, privileges: true };
}

async function* passing(
  pieces: AsyncIterable<Uint8Array>,
  counted: { bytes: number },
  { signal, onProgress }: CopyOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    if (signal?.aborted) throw new OnggiError('cancelled', 'copy: given up');
    counted.bytes += piece.length;
    onProgress?.(counted.bytes);
    yield piece;
  }
}
