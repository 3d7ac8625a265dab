/** From a container to its plan: the files it gets, its config.json, the kernel steps. */
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, hostname, release } from 'node:os';
import { dirname } from 'node:path';
import { fromSystemError } from '../../errors.ts';
import { toMachine } from '../../image/id-map.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import { isShifted, isTree } from '../../image/tree-mark.ts';
import { shimPath } from '../../kernel/addon.ts';
import { readTextIfThere } from '../../kernel/text-file.ts';
import { isPrivileged, mapsOf, unprivileged } from '../../kernel/user-namespace.ts';
import {
  changedResolver,
  extraHosts,
  forwardedFile,
  hostsFile,
  resolvedPath,
  resolverFile,
} from '../../network/resolver.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { allCapabilities, capabilityNamesOf, capabilitySet } from '../../runtime/capability.ts';
import { directoriesOf } from '../../runtime/cgroup/cgroup.ts';
import { hasLegacyMemory } from '../../runtime/cgroup/hierarchy.ts';
import { delegatedPath, findCgroup } from '../../runtime/cgroup/layout.ts';
import { makeRealtimeRoom } from '../../runtime/cgroup/realtime.ts';
import { thermalThrottlePath } from '../../runtime/defaults.ts';
import { hostFacts } from '../../runtime/host-facts.ts';
import { type CompileContext, compile, type HostFacts, type RootSource } from '../../runtime/plan/compile.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import { kernelVersion } from '../../runtime/seccomp/profile.ts';
import type { Context } from '../context.ts';
import { eventTail } from '../event/line.ts';
import { containerNews } from '../event/news.ts';
import { healthSettings } from '../health/settings.ts';
import { hostMaskedPaths, hostMounts } from '../image/host-image.ts';
import { readImageConfig } from '../image/view.ts';
import { jsonFile } from '../log/log-config.ts';
import { type LogFacts, logTarget } from '../log/log-target.ts';
import { imagePlaces } from '../mount/image-volume.ts';
import { isMounted } from '../mount/mount-point.ts';
import { writeSpec } from '../spec/file.ts';
import { initPlaceOf, usesInitCopy } from '../spec/init.ts';
import { linkHost } from '../spec/link.ts';
import { foreignShm, mountTarget } from '../spec/mounts.ts';
import { makeSpec, type SpecFacts } from '../spec/spec.ts';
import { systemdCgroup } from '../spec/systemd.ts';
import type { ContainerOptions, IdMaps } from '../types.ts';
import { volumeFacts } from '../volume/volume.ts';
import type { VolumeFacts } from '../volume/volume-mount.ts';
import { type Container, cgroupsAbove, isHost, type StartRecord } from './container.ts';
import { devicesAt, hostDevices, isThereOnHost } from './host-devices.ts';
import { type Joined, nothingJoined, withJoined } from './joined.ts';
import { sessionKeyring } from './keyring.ts';
import { type ContainerNetwork, usesPasta } from './network.ts';

/** Writes config.json and the files of /etc beside it. @throws OnggiError `invalid`, `unsupported` */
export async function compileContainer(
  context: Context,
  container: Container,
  network: ContainerNetwork,
  joined: Joined = nothingJoined,
  shared: ReadonlyMap<string, string> = new Map(),
): Promise<Plan> {
  const { row, files, start } = container;
  const options = withJoined(row.name, container.options, joined);
  const { store } = context;
  const propagation = spreads(options) ? await import('../volume/propagation.ts') : undefined;
  propagation?.checkPropagation(options);
  const cgroupsPath = start?.cgroupsPath ?? `/onggi/${row.id}`;
  const host = hostFacts();
  const images = imagePlaces(store, container);
  const facts = specFacts(
    host,
    {
      id: row.id,
      cgroupsPath,
      files: joined.files ?? files,
      joined: processIds(joined),
      maskedPaths: isHost(container) ? hostMaskedPaths(store.layout) : [],
      volumes: (name) => withShared(volumeFacts(store, name), shared.get(name)),
      images: images.source,
      warn: (message) => context.warn(message),
      withCdi: await cdiChange(options),
      initCopy: files.initCopy,
    },
    options.idMaps,
  );
  const image = row.imageId === null ? null : readImageConfig(store, row.imageId).value.process;
  const asked = await withRare(makeSpec(options, image, facts), container, options);
  const spec = isHost(container)
    ? withHostMounts(asked, hostMounts(store.layout, files.disks, options.readOnly === true))
    : asked;
  writeSpec(files.config, spec);
  if (options.init === true && usesInitCopy(spec, files.initCopy)) {
    (await import('./init-copy.ts')).copyInit(files.initCopy);
  }
  if (joined.files === null) writeEtc(container, spec.hostname ?? hostname(), network, joined);
  const cgroup = findCgroup(cgroupsPath, host.cgroups);
  const { plan: compiled, warnings } = compile(spec, {
    host,
    keeper: {
      kind: 'shim',
      id: row.id,
      socket: start?.socket ?? '',
      log: logTarget(options.log ?? jsonFile, logFacts(context, container, spec)),
      exitFile: files.exit,
      ...(options.autoRemove === true && { exitUnsynced: true }),
      reconcile: context.reconcileCommand(row.id),
      stdin: options.stdin === true,
      stdinOnce: options.stdin === true,
      startRequired: true,
      events: { log: store.layout.eventLog, tail: eventTail(containerNews(container, '')) },
      ...(options.log?.driver === 'passthrough' && { handed: { stdio: true, preserve: 0 } }),
    },
    bundle: dirname(files.config),
    root: rootOf(context, container),
    overlays: images.overlays,
    cgroup,
    cgroupKeeping: { above: cgroupsAbove(start ?? {}) },
    keyring: sessionKeyring(row.id),
    ...(await filterOfSpec(spec, host)),
    network,
    foreignSources: [...[...processIds(joined).values()].map(foreignShm), ...shared.values()],
    ...processContext(options),
    ...initContext(spec),
  });
  for (const warning of warnings) context.warn(warning);
  const plan = propagation?.withPeers(compiled) ?? compiled;
  makeRealtimeRoom(host.cgroups, cgroup, spec.linux?.resources?.cpu ?? {});
  const checked = healthSettings(container.health) !== undefined;
  const health = checked ? (await import('../health/check.ts')).healthCheck(context, container) : undefined;
  const made = health === undefined ? plan : { ...plan, health };
  if (options.runtime === undefined) return made;
  const { withRuntime } = await import('../oci-runtime/bundle.ts');
  return withRuntime(made, spec, { id: row.id, socket: start?.socket ?? '', options });
}

/** Whether mounts of the machine come in, or those of the container go out. */
function spreads({ mounts = [] }: ContainerOptions): boolean {
  return mounts.some((mount) => mount.type === 'bind' && !mount.propagation.endsWith('private'));
}

/** What few containers have is loaded for them alone: every start of the others would be slower. */
export async function filterOfSpec(
  { linux }: Spec,
  { architecture }: HostFacts,
): Promise<Pick<CompileContext, 'filter'>> {
  if (linux?.seccomp === undefined) return {};
  const { filterOf } = await import('../../runtime/seccomp/filter.ts');
  return { filter: await filterOf(linux.seccomp, architecture) };
}

async function withRare(spec: Spec, container: Container, options: ContainerOptions): Promise<Spec> {
  let changed = spec;
  if (options.secrets !== undefined) {
    changed = (await import('../secret/use.ts')).withSecrets(changed, container.files.secrets, options);
  }
  if (options.sdnotify !== undefined) {
    changed = (await import('../notify/service.ts')).withNotifySocket(changed, container);
  }
  return changed;
}

/** What puts its devices of the Container Device Interface into the config.json of a container. */
export async function cdiChange({ cdiDevices = [] }: ContainerOptions): Promise<SpecFacts['withCdi']> {
  if (cdiDevices.length === 0) return (spec) => spec;
  const [{ applyCdi }, { cdiEdits }] = await Promise.all([import('../cdi/apply.ts'), import('../cdi/registry.ts')]);
  return (spec) => applyCdi(spec, cdiEdits(cdiDevices), devicesAt);
}

function withShared(facts: VolumeFacts, shared: string | undefined): VolumeFacts {
  return shared === undefined ? facts : { ...facts, shared };
}

function processIds({ processes }: Joined): ReadonlyMap<string, number> {
  return new Map([...processes].map(([id, { pid }]) => [id, pid]));
}

/** Where the cgroup of a container goes: below the engine's own one, or where its options say. */
export function cgroupOf(
  id: string,
  { cgroupParent }: ContainerOptions,
): Pick<StartRecord, 'cgroupsPath' | 'madeAbove'> {
  const base = delegatedPath();
  if (cgroupParent === undefined) return { cgroupsPath: `${base}/onggi/${id}` };
  const parts = cgroupParent.split('/').filter((part) => part !== '' && part !== '.');
  const above = parts.map((_, index) => `${base}/${parts.slice(0, index + 1).join('/')}`);
  const missing = above.filter((path) => directoriesOf(findCgroup(path)).some((directory) => !existsSync(directory)));
  return { cgroupsPath: `${base}/${[...parts, id].join('/')}`, madeAbove: missing.length };
}

/** What follows from the options alone. */
export function processContext(
  options: ContainerOptions,
): Pick<CompileContext, 'createSources' | 'volumes' | 'reaper' | 'groups' | 'waitForStart'> {
  const binds = (options.mounts ?? []).filter((mount) => mount.type === 'bind');
  const volumes = (options.mounts ?? []).filter((mount) => mount.type === 'volume' || mount.type === 'image');
  return {
    createSources: binds.map(({ source }) => source),
    volumes: volumes.map((mount) => ({
      target: mountTarget(mount.target),
      copyUp: mount.type === 'volume' && mount.copy,
      ...(mount.subpath !== undefined && { subpath: mount.subpath }),
    })),
    reaper: options.init === true && options.initPath === undefined,
    groups: options.groups ?? [],
    waitForStart: true,
  };
}

/** Of our own init, where it has a file in the container. */
export function initContext(spec: Spec): Pick<CompileContext, 'initPlace'> {
  const initPlace = initPlaceOf(spec);
  return initPlace === undefined ? {} : { initPlace };
}

export function specFacts(
  host: HostFacts,
  own: Pick<SpecFacts, 'id' | 'cgroupsPath' | 'files' | 'maskedPaths' | 'volumes' | 'warn'> &
    Partial<Pick<SpecFacts, 'joined' | 'images' | 'withCdi' | 'initCopy'>>,
  idMaps?: IdMaps,
): SpecFacts {
  const cpus = availableParallelism();
  const throttle = Array.from({ length: cpus }, (_, cpu) => thermalThrottlePath(cpu));
  return {
    joined: new Map(),
    ordinaryUser: host.unprivileged !== undefined,
    images: ({ source }) => `/image/${source}`,
    withCdi: (spec) => spec,
    ...own,
    initProgram: shimPath(),
    hostname: hostname(),
    // Root of a user namespace has all of them there.
    capabilities: capabilityNamesOf(
      host.unprivileged === undefined && idMaps === undefined ? host.capabilities : capabilitySet(allCapabilities),
    ),
    maps: idMaps ?? (host.unprivileged === undefined ? undefined : mapsOf(host.unprivileged)),
    architecture: host.architecture,
    kernel: kernelVersion(release()),
    cpus,
    swap: host.cgroups.swap,
    legacyMemory: hasLegacyMemory(host.cgroups),
    systemdCgroup: systemdCgroup(host.cgroups),
    maskedPaths: [...throttle, ...own.maskedPaths],
    devices: () => hostDevices(),
    devicesAt,
    isThere: isThereOnHost,
  };
}

function withHostMounts(spec: Spec, mounts: Spec['mounts']): Spec {
  return { ...spec, mounts: [...(mounts ?? []), ...(spec.mounts ?? [])] };
}

/** Where the root file system comes from. */
export function rootOf({ store }: Context, { row, files, options }: Container): RootSource {
  // A copy has the ids of the machine already.
  const byKeeper = options.idMaps === undefined ? {} : ({ byKeeper: isShifted(files) ? 'plain' : 'mapped' } as const);
  // One and the same mount, so that who looks and who runs see the same.
  if (isMounted(files.merged)) return { kind: 'directory', path: files.merged, ...byKeeper };
  if (isTree(files)) return { kind: 'directory', path: files.tree, ...byKeeper };
  const { rootfs } = options;
  if (rootfs !== undefined && !rootfs.overlay) return { kind: 'directory', path: rootfs.path, ...ofRootfs(options) };
  const lower = row.imageId === null ? [rootfs?.path ?? '/'] : lowerDirectories(store, row.imageId);
  return {
    kind: 'overlay',
    directory: store.layout.layers,
    lower,
    upper: files.upper,
    work: files.work,
    // Such a container is never started again, so its writable layer need not survive a power cut.
    volatile: options.autoRemove === true,
    userAttributes: !isPrivileged(),
    target: files.rootfs,
    ...(options.selinux !== undefined && { label: options.selinux.mount }),
    ...byKeeper,
  };
}

function logFacts(context: Context, { row, options, files, imageLabels }: Container, spec: Spec): LogFacts {
  return {
    id: row.id,
    name: row.name,
    imageId: row.imageId ?? '',
    imageName: options.image,
    command: spec.process?.args ?? [],
    created: row.created,
    labels: { ...imageLabels, ...options.labels },
    env: spec.process?.env ?? [],
    hostname: hostname(),
    path: files.log,
    relay: (ask) => [...context.helperCommand('log-relay'), JSON.stringify(ask)],
  };
}

/** The directory may be where the container's root has no way to; its files have ids of the machine, unless told else. */
function ofRootfs({ idMaps, rootfs }: ContainerOptions): { readonly byKeeper?: 'plain' | 'mapped' } {
  if (idMaps === undefined) return {};
  return { byKeeper: rootfs?.mapped === true ? 'mapped' : 'plain' };
}

/** hostname, hosts and resolv.conf, which the container sees and may change. */
function writeEtc(container: Container, name: string, network: ContainerNetwork, { links }: Joined): void {
  const { files, options } = container;
  if (options.idMaps !== undefined && unprivileged() !== undefined) {
    // Those of the last start may have been given away.
    for (const path of [files.hostname, files.hosts, files.resolv]) rmSync(path, { force: true });
  }
  // Its address is that of the machine, found out by pasta only when it starts; its name has to mean something before.
  const address = usesPasta(container) ? '127.0.1.1' : network.address;
  const host = options.network === 'host';
  write(files.hostname, `${name}\n`);
  const hosts = host ? readIfThere('/etc/hosts') : undefined;
  const extra = extraHosts([...(options.extraHosts ?? []), ...links.map(linkHost)], network.gateway);
  const all = hosts === undefined ? hostsFile(name, options.domainname ?? '', address, extra) : hosts + extra;
  write(files.hosts, all);
  const resolv = readIfThere('/etc/resolv.conf') ?? '';
  const servers = usesPasta(container)
    ? forwardedFile(resolv)
    : resolverFile(resolv, readIfThere(resolvedPath)).content;
  write(files.resolv, changedResolver(host ? resolv : servers, options.dns ?? {}));
  for (const path of [files.hostname, files.hosts, files.resolv]) giveToRoot(path, options.idMaps);
}

function write(path: string, content: string): void {
  try {
    writeFileSync(path, content, { mode: 0o644 });
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

/** The container may change them, as its own root. An ordinary user's are given to it later (`giveOwnFiles`). */
function giveToRoot(path: string, maps: IdMaps | undefined): void {
  if (maps === undefined || unprivileged() !== undefined) return;
  const { uid, gid } = toMachine(maps)({ uid: 0, gid: 0 });
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    throw fromSystemError(error, `change owner of "${path}"`);
  }
}

function readIfThere(path: string): string | undefined {
  return readTextIfThere(path, ['EACCES']);
}
