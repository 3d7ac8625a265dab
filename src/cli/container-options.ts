/** From the flags of `run` and `create` to what the engine is asked for. Pure: the caller brings what files say. */
import { resolve } from 'node:path';
import type { BindMount, ContainerOptions, SecurityOptions } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { ContainerFlags } from './container-flags.ts';
import { healthOptions } from './run-flags/health.ts';
import { logConfigOf } from './run-flags/log.ts';
import { askedMounts } from './run-flags/mounts.ts';
import { namespaceOptions } from './run-flags/namespaces.ts';
import { otherOptions } from './run-flags/others.ts';
import { resourceOptions } from './run-flags/resources.ts';
import { parseRootfs } from './run-flags/rootfs.ts';
import { runtimeOptions } from './run-flags/runtime.ts';
import { secretOptions } from './run-flags/secrets.ts';
import { serviceOptions } from './run-flags/service.ts';
import { storageOptions } from './run-flags/storage.ts';
import { type Assignment, type Environment, recordOf, resolveEnvironment } from './value/environment.ts';
import { chosenNetwork } from './value/network.ts';
import type { SecurityOption } from './value/security-option.ts';
import type { BindSpec } from './value/volume.ts';

/** What the command line alone doesn't say. */
export type Facts = {
  readonly environment: Environment;
  /** Of `--env-file` and `--label-file`, in order. */
  readonly fileEnvironment: readonly Assignment[];
  readonly fileLabels: readonly Assignment[];
  /** Absolute path against which relative ones are resolved. */
  readonly directory: string;
  /** The parsed JSON of a file. @throws OnggiError `invalid` */
  readonly seccompProfile: (path: string) => unknown;
  readonly consoleSize: { readonly rows: number; readonly columns: number } | undefined;
};

/** @throws OnggiError `invalid` or `unsupported` where flags contradict one another or the machine */
export function containerOptions(flags: ContainerFlags, args: readonly string[], facts: Facts): ContainerOptions {
  const [image = '', ...command] = args;
  if (image === '') throw new OnggiError('invalid', 'invalid reference format: the image has no name');
  const entrypoint = entrypointOf(flags.entrypoint);
  const log = logConfigOf(flags, facts.environment);
  const network = chosenNetwork(flags.network);
  const published = network !== 'host' && network !== 'none' ? flags.publish.flat() : [];
  const exposed = [...new Set(flags.expose.flat())];
  const publishAll = flags['publish-all'] && network !== 'host' && network !== 'none';
  const environment = resolveEnvironment(facts.fileEnvironment, flags.env, facts.environment);
  const labels = recordOf([...facts.fileLabels, ...flags.label]);
  const asked = askedMounts(flags);
  return {
    image,
    terminal: flags.tty,
    stdin: flags.interactive,
    autoRemove: flags.rm,
    readOnly: flags['read-only'],
    privileged: flags.privileged,
    init: flags.init,
    ...present('name', flags.name),
    ...(command.length > 0 && { command }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(environment.length > 0 && { env: environment }),
    ...present('workingDir', flags.workdir),
    ...present('user', flags.user),
    ...present('hostname', flags.hostname),
    ...present('domainname', flags.domainname),
    ...(Object.keys(labels).length > 0 && { labels }),
    mounts: asked.mounts.map((mount) => mountOf(mount, facts)),
    ...(asked.volumes.length > 0 && { volumes: asked.volumes }),
    ...(flags['volumes-from'].length > 0 && { volumesFrom: flags['volumes-from'] }),
    ...present('restart', restartOf(flags)),
    ...present('health', healthOptions(flags)),
    ...present('shmSize', positive(flags['shm-size'])),
    ...(flags['group-add'].length > 0 && { groups: flags['group-add'] }),
    ...present('security', securityOf(flags['security-opt'], facts)),
    ...devicesOf(flags),
    ...namespaceOptions(flags, flags.hostname),
    ...secretOptions(flags),
    ...otherOptions(flags, flags.name),
    ...(flags['add-host'].length > 0 && { extraHosts: flags['add-host'] }),
    ...present('dns', dnsOf(flags)),
    ...(flags.annotation.length > 0 && { annotations: recordOf(flags.annotation) }),
    ...(published.length > 0 && { ports: published }),
    ...resourceOptions(flags),
    ...storageOptions(flags),
    ...(flags.rootfs && { rootfs: parseRootfs(image, facts.directory) }),
    ...(exposed.length > 0 && { exposed }),
    ...(publishAll && { publishAll }),
    ...(flags['cap-add'].length > 0 && { capAdd: flags['cap-add'] }),
    ...(flags['cap-drop'].length > 0 && { capDrop: flags['cap-drop'] }),
    ...present('stopSignal', flags['stop-signal']),
    ...present('stopTimeout', flags['stop-timeout']),
    ...(flags.ulimit.length > 0 && { ulimits: lastByName(flags.ulimit) }),
    ...(flags.sysctl.length > 0 && { sysctls: recordOf(flags.sysctl) }),
    ...(log !== undefined && { log }),
    ...runtimeOptions(flags),
    ...serviceOptions(flags, facts.directory),
    ...(flags.tty && facts.consoleSize !== undefined && { consoleSize: facts.consoleSize }),
  };
}

function dnsOf(flags: ContainerFlags): ContainerOptions['dns'] {
  const [servers, search, options] = [flags.dns, flags['dns-search'], flags['dns-option']];
  return servers.length + search.length + options.length === 0 ? undefined : { servers, search, options };
}

/** The last word on a thing counts; paths add up. */
function securityOf(asked: readonly SecurityOption[], facts: Facts): SecurityOptions | undefined {
  let security: SecurityOptions = {};
  for (const option of asked) {
    const { seccomp, ...rest } = security;
    // The profile that there is anyway takes back one that was named before.
    const builtin = option.kind === 'seccomp' && option.profile === 'builtin';
    security = builtin ? rest : { ...security, ...securityChange(option, security, facts) };
  }
  return Object.keys(security).length === 0 ? undefined : security;
}

function securityChange(option: SecurityOption, before: SecurityOptions, facts: Facts): SecurityOptions {
  switch (option.kind) {
    case 'no-new-privileges':
      return { noNewPrivileges: option.on };
    case 'seccomp':
      if (option.profile === 'unconfined') return { seccomp: null };
      return { seccomp: { template: facts.seccompProfile(option.profile) } };
    case 'apparmor':
      return { apparmor: option.profile };
    case 'system-paths':
      return { systemPathsVisible: true };
    case 'mask':
    case 'unmask':
      return { [option.kind]: [...(before[option.kind] ?? []), ...option.paths] };
    case 'label':
      return { label: { ...before.label, ...option.words } };
  }
}

/** Nodes of the host, and names of the Container Device Interface. */
function devicesOf({ device, gpus }: ContainerFlags): Pick<ContainerOptions, 'devices' | 'cdiDevices'> {
  const devices = device.filter((one) => typeof one !== 'string');
  const cdiDevices = [...device.filter((one) => typeof one === 'string'), ...(gpus ?? [])];
  return { ...(devices.length > 0 && { devices }), ...(cdiDevices.length > 0 && { cdiDevices }) };
}

function restartOf({ restart, rm }: ContainerFlags): ContainerOptions['restart'] {
  if (restart === undefined || restart.name === 'no') return undefined;
  if (rm) throw new OnggiError('invalid', 'conflicting options: cannot specify both --restart and --rm');
  return restart;
}

/** What is asked for but can't have an effect: a line for the user each. */
export function containerWarnings(flags: ContainerFlags): string[] {
  // Only a --mount may be hidden, or hide: most have none, and need not be asked twice.
  const hidden = flags.mount.length === 0 ? [] : askedMounts(flags).hidden;
  const network = chosenNetwork(flags.network);
  if (flags.publish.length === 0 || (network !== 'host' && network !== 'none')) return [...hidden];
  return [...hidden, `Published ports are discarded when using ${network} network mode`];
}

/** `{ [key]: value }`, or nothing when there is no value: absent is not the same as undefined. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** As in Docker, `--entrypoint ""` clears the image's. */
function entrypointOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  return text === '' ? [] : [text];
}

function mountOf<M extends { readonly type: 'image' | 'tmpfs' | 'volume' }>(
  mount: BindSpec | M,
  facts: Facts,
): BindMount | M {
  if (mount.type !== 'bind') return mount;
  const { source, target, readOnly, propagation, submounts, chown, relabel, byMount } = mount;
  return {
    type: 'bind',
    source: resolve(facts.directory, source),
    target,
    readOnly,
    propagation,
    ...present('submounts', submounts),
    ...present('chown', chown),
    ...present('relabel', relabel),
    ...present('byMount', byMount),
  };
}

/** As with the pairs of NAME=VALUE, a later one replaces an earlier one. */
function lastByName<T extends { readonly name: string }>(named: readonly T[]): T[] {
  return [...new Map(named.map((one) => [one.name, one])).values()];
}

/** Docker's 0 means "not limited", which here is the absence of the value. */
function positive(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
