/** The plan of a process that only holds the file system of a container together, for `view.ts`. Acts. */
import { dirname } from 'node:path';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { hostFacts } from '../../runtime/host-facts.ts';
import { compile } from '../../runtime/plan/compile.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import { type Container, isHost } from '../container/container.ts';
import { processContext, rootOf, specFacts } from '../container/plan.ts';
import type { Context } from '../context.ts';
import { hostMounts } from '../image/host-image.ts';
import { imagePlaces } from '../mount/image-volume.ts';
import { mountTarget } from '../spec/mounts.ts';
import { makeSpec } from '../spec/spec.ts';
import type { ContainerOptions } from '../types.ts';
import { volumeFacts } from '../volume/volume.ts';

/**
 * The root of a container with its binds and volumes, and a process that waits in it without a word to start: to look at
 * what a container has that does not run. @throws OnggiError `invalid`, `unsupported`
 */
export function compileView(context: Context, container: Container, socket: string): Plan {
  const { options, row, files } = container;
  const { store } = context;
  const host = hostFacts();
  const images = imagePlaces(store, container);
  const facts = specFacts(
    host,
    {
      id: row.id,
      cgroupsPath: `/onggi/${row.id}`,
      files,
      maskedPaths: [],
      volumes: (name) => volumeFacts(store, name),
      images: images.source,
      warn: () => {},
    },
    options.idMaps,
  );
  const shown = (options.mounts ?? []).filter(({ type }) => type !== 'tmpfs');
  const asked = { image: options.image, mounts: shown, network: 'host', ...readOnlyOf(options) } as const;
  const made = makeSpec({ ...asked, command: ['/'] }, null, facts);
  const own = new Set(shown.map(({ target }) => mountTarget(target)));
  const mounts = (made.mounts ?? []).filter(({ destination }) => own.has(destination));
  const disks = (isHost(container) && hostMounts(store.layout, files.disks, options.readOnly === true)) || [];
  const places = new Set([...disks, ...mounts].map(({ destination }) => destination));
  const spec = { ...made, mounts: [...disks, ...mounts] };
  const { plan } = compile(spec, {
    host,
    keeper: {
      kind: 'shim',
      id: row.id,
      socket,
      log: null,
      exitFile: '',
      reconcile: [],
      stdin: false,
      stdinOnce: false,
      startRequired: true,
    },
    bundle: dirname(files.config),
    root: rootOf(context, container),
    overlays: images.overlays,
    cgroup: findCgroup(`/onggi/${row.id}`, host.cgroups),
    keyring: null,
    network: { attach: [], init: [] },
    // Nothing is executed there: the step is left out below.
    filter: new Uint8Array(),
    ...processContext({ ...options, mounts: shown, init: false, groups: [] }),
  });
  const needed: ReadonlySet<string> = new Set([
    'propagation',
    'overlay',
    'root-bind',
    'enter-root',
    'pivot-root',
    'move-root',
    'root-attributes',
    // It lets the user see the process whose user namespace is not his own.
    'identity',
  ]);
  return {
    ...plan,
    prepare: [],
    spawn: { ...plan.spawn, cgroups: { unified: null, legacy: [] } },
    init: plan.init.filter(
      (step) =>
        needed.has(step.op) ||
        step.op === 'wait-start' ||
        step.op === 'exec' ||
        ((step.op === 'bind' || step.op === 'mount' || step.op === 'remount') && places.has(step.target)),
    ),
    cleanup: [],
  };
}

function readOnlyOf({ readOnly = false }: ContainerOptions): Pick<ContainerOptions, 'readOnly'> {
  return { readOnly };
}
