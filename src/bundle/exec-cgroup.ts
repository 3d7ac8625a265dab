/** In which cgroups a process of `exec` begins. Pure. */
import { OnggiError } from '../errors.ts';
import { besideFirst, type Cgroup, legacyDirectory } from '../runtime/cgroup/cgroup.ts';
import type { CgroupPlacement } from '../runtime/plan/steps.ts';

/** `--cgroup [<controller>[,<controller>...]:]<path>`: a cgroup below that of the container. */
export type SubCgroup = { readonly controllers: readonly string[]; readonly path: string };

/** @throws OnggiError `invalid` */
export function parseSubCgroup(text: string): SubCgroup {
  const colon = text.lastIndexOf(':');
  const path = text.slice(colon + 1).replace(/^\/+|\/+$/g, '');
  const controllers = colon < 0 ? [] : text.slice(0, colon).split(',');
  const plain = path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain || controllers.includes('')) {
    throw new OnggiError('invalid', `"${text}" is not of the form [<controller>:]<cgroup>`);
  }
  return { controllers, path };
}

/**
 * On v2 a process is where the container's first process is.
 *
 * @param cgroup of the container
 * @param present v2 cgroup of its first process, a directory like those of `cgroup`; null when it is not known
 * @throws OnggiError `invalid` for a controller that is not mounted
 */
export function execPlacement(cgroup: Cgroup, asked: readonly SubCgroup[], present: string | null): CgroupPlacement {
  for (const controller of asked.flatMap(({ controllers }) => controllers)) {
    if (legacyDirectory(cgroup, controller) !== undefined) continue;
    throw new OnggiError('invalid', `--cgroup: this machine has no v1 cgroup controller "${controller}"`);
  }
  const everywhere = asked.find(({ controllers }) => controllers.length === 0);
  const legacy = cgroup.legacy.map(({ controllers: mounted, directory }) => {
    const named = asked.find(({ controllers }) => controllers.some((controller) => mounted.includes(controller)));
    return below(directory, named ?? everywhere);
  });
  const { unified } = cgroup;
  if (unified === null) return { unified, legacy };
  return { unified: everywhere === undefined ? besideFirst(unified, present) : below(unified, everywhere), legacy };
}

function below(directory: string, sub: SubCgroup | undefined): string {
  return sub === undefined || sub.path === '' ? directory : `${directory}/${sub.path}`;
}
