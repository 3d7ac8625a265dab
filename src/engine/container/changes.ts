/** What a container has made of its file system: the list of changes, the tar of all of it, an image of it. */
import { OnggiError } from '../../errors.ts';
import { applyChanges, type ConfigFields } from '../../image/change.ts';
import { commitImage, commitReference } from '../../image/commit.ts';
import { type Change, listChanges } from '../../image/layer-changes.ts';
import { layerArchive, treeArchive } from '../../image/layer-diff.ts';
import type { OverlayAttributes } from '../../image/layer-tree.ts';
import { descriptorFacts } from '../../kernel/entry-facts.ts';
import { inUserNamespace } from '../../kernel/user-namespace.ts';
import type { Digest } from '../../oci/digest.ts';
import { freezeCgroup, isFrozen, thawCgroup } from '../../runtime/cgroup/freeze.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { tellTag } from '../image/change.ts';
import { checkChanges } from '../image/check-changes.ts';
import { readImageConfig } from '../image/view.ts';
import { type Container, summaryOf } from './container.ts';
import type { CommitOptions } from './containers.ts';
import { config } from './inspect-config.ts';
import { type ContainerTree, openContainerTree } from './tree.ts';

/** As the overlay of the container has them (container-plan.ts): in a user namespace the others can't be set. */
function marks(): OverlayAttributes {
  return inUserNamespace() ? 'user' : 'trusted';
}

export async function diff(context: Context, ref: string): Promise<Change[]> {
  using tree = await openContainerTree(context, ref);
  if (tree.parts.some(({ noRecord }) => noRecord === true)) {
    throw new OnggiError(
      'unsupported',
      `diff: container "${ref}" works in a directory, of which there is no copy from before`,
      {
        hint: 'Make it with --rootfs DIR:O.',
      },
    );
  }
  const attributes = marks();
  return tree.parts
    .flatMap(({ upper, lower, ...part }) => listChanges(upper, lower, { attributes, ...part }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export async function* exportTree(
  context: Context,
  ref: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  using tree = await openContainerTree(context, ref, signal);
  emit(context.store, containerNews(tree.container, 'export'));
  for (const piece of wholeArchive(tree)) {
    if (signal?.aborted) throw new OnggiError('cancelled', `export container "${ref}": given up`);
    yield piece;
  }
}

function wholeArchive({ parts }: ContainerTree): Generator<Buffer, void, undefined> {
  const attributes = marks();
  return treeArchive(
    parts.map(({ upper, lower, whole, below, leaveOutOfAll, owner }) => ({
      layers: whole === undefined ? [upper, ...lower] : [upper],
      options: { attributes, below, leaveOut: leaveOutOfAll, ...(owner !== undefined && { owner }) },
    })),
  );
}

/**
 * A container that runs stands still meanwhile, unless it shall not.
 * @throws OnggiError `not-found`, `invalid` (name, change), `unsupported`, `exhausted`, `cancelled`
 */
export async function commit(
  context: Context,
  ref: string,
  name: string | null,
  options: CommitOptions,
): Promise<{ readonly id: Digest }> {
  // Before anything stands still.
  commitReference(name);
  checkChanges(options.changes);
  using tree = await openContainerTree(context, ref, options.signal);
  const { container } = tree;
  const { row } = container;
  if (container.options.rootfs !== undefined) {
    throw new OnggiError(
      'unsupported',
      `commit: container "${row.name}" has a directory for a root file system, and no image`,
      {
        hint: 'Make an image of it: onggi export CONTAINER | onggi import - NAME.',
      },
    );
  }
  await using _ = options.pause === false ? null : await standStill(context, container);
  const made = await commitImage(context.store, {
    base: row.imageId,
    archive: row.imageId === null ? wholeArchive(tree) : ownLayer(tree),
    config: applyChanges(options.changes ?? [], configOf(context, container)),
    createdBy: container.args.join(' '),
    name,
    ...(options.author !== undefined && { author: options.author }),
    ...(options.message !== undefined && { message: options.message }),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  if (name !== null) tellTag(context.store, made.id, name);
  const details = { comment: options.message ?? '', imageID: made.id, imageRef: name ?? '' };
  emit(context.store, containerNews(container, 'commit', details));
  return made;
}

function ownLayer({ parts }: ContainerTree): Iterable<Buffer> {
  const [root] = parts;
  if (root === undefined) return [];
  const { upper, lower, ...part } = root;
  const [below] = lower;
  const mention = below === undefined ? 'always' : descriptorFacts(below);
  return layerArchive(upper, mention, { attributes: marks(), ...part });
}

/** Null when it does not run, stands still already, or when nothing can make it: then it is read as it goes. */
async function standStill(context: Context, container: Container): Promise<AsyncDisposable | null> {
  const { row, start } = container;
  if (row.state !== 'running' || start === null) return null;
  const cgroup = findCgroup(start.cgroupsPath);
  if (isFrozen(cgroup)) return null;
  try {
    await freezeCgroup(cgroup);
  } catch (error) {
    // A machine without a freezer, a user to whom no cgroup is delegated.
    if (!(error instanceof OnggiError) || !['unsupported', 'not-found', 'denied'].includes(error.code)) throw error;
    context.warn(`Container "${row.name}" can't be paused (${error.message}): it goes on while it is committed.`);
    return null;
  }
  emit(context.store, containerNews(container, 'pause'));
  return {
    async [Symbol.asyncDispose]() {
      await thawCgroup(cgroup);
      emit(context.store, containerNews(container, 'unpause'));
    },
  };
}

/** What the container was made with becomes what containers of the image are made with, as in Docker. */
function configOf({ store }: Context, container: Container): ConfigFields {
  const { imageId } = container.row;
  const image = imageId === null ? null : readImageConfig(store, imageId).value.process;
  const all = config(container, summaryOf(store, container.row), image);
  const { User, ExposedPorts, Env, Cmd, Volumes, WorkingDir, Entrypoint, Labels, StopSignal, Healthcheck } = all;
  const fields = { User, ExposedPorts, Env, Cmd, Volumes, WorkingDir, Entrypoint, Labels, StopSignal, Healthcheck };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
