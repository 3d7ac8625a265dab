/** Binds that pass mounts on to the machine, or get them from it: whether what they lie on does so. Acts. */
import { readFileSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf, fromSystemError, OnggiError, unsupported } from '../../errors.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { mountAbove } from '../../oci/mount-info.ts';
import { mountBits } from '../../runtime/plan/mount-options.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import type { BindMount, ContainerOptions } from '../types.ts';

/**
 * The kernel would take them all and pass on nothing, so they are refused, when a container starts as with Docker.
 * @throws OnggiError `conflict`; `unsupported` where mounts of the container could not get out of its user namespace
 */
export function checkPropagation({ mounts = [], runtime }: Pick<ContainerOptions, 'mounts' | 'runtime'>): void {
  const asked = mounts.filter((mount): mount is BindMount => mount.type === 'bind' && kindOf(mount) !== 'private');
  if (asked.length === 0) return;
  const text = mountInfo();
  for (const mount of asked) {
    const kind = kindOf(mount);
    const { point, peers } = mountAbove(text, realPath(mount.source)) ?? { point: '/', peers: [] };
    const words = kind === 'shared' ? ['shared:'] : ['shared:', 'master:'];
    if (!peers.some((peer) => words.some((word) => peer.startsWith(word)))) throw notPassedOn(mount, point);
    if (kind === 'shared' && unprivileged() !== undefined) throw onlyInwards(mount);
    if (kind === 'shared' && runtime !== undefined) throw unsupported(`${mount.propagation} with --runtime`);
  }
}

/**
 * The container's copies of the machine's mounts are slaves, or private where its root is put: a bind out of them would
 * be nobody's peer. The shim has those of the machine.
 */
export function withPeers(plan: Plan): Plan {
  return {
    ...plan,
    init: plan.init.map((step) => {
      const own = step.op === 'bind' && step.mapping == null && step.foreign !== true;
      return own && (step.propagation.bits & mountBits.shared) !== 0 ? { ...step, byKeeper: true } : step;
    }),
  };
}

type Kind = 'shared' | 'slave' | 'private';

function kindOf({ propagation }: BindMount): Kind {
  if (propagation === 'shared' || propagation === 'rshared') return 'shared';
  return propagation === 'slave' || propagation === 'rslave' ? 'slave' : 'private';
}

/** Docker's words. */
function notPassedOn(mount: BindMount, point: string): OnggiError {
  const wanted = kindOf(mount) === 'shared' ? 'a shared mount' : 'a shared or slave mount';
  return new OnggiError('conflict', `path ${mount.source} is mounted on ${point} but it is not ${wanted}`, {
    hint: `Make it shared on the machine with "mount --make-shared ${point}", or leave "${mount.propagation}" out.`,
  });
}

/** mount_namespaces(7): in a namespace of another user, peers become slaves. */
function onlyInwards({ source, propagation }: BindMount): OnggiError {
  return new OnggiError(
    'unsupported',
    `bind of ${source}, ${propagation}: mounts of an ordinary user's container can't be passed on to the machine`,
    { hint: 'Use rslave, with which the container sees mounts of the machine.' },
  );
}

function mountInfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch (error) {
    throw fromSystemError(error, 'read "/proc/self/mountinfo"');
  }
}

/** One that `-v` makes yet is where its directory is. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && path !== '/')
      return posix.join(realPath(posix.dirname(path)), posix.basename(path));
    throw fromSystemError(error, `look at "${path}"`);
  }
}
