/** What devices of the Container Device Interface need, put into a config.json. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Device, DeviceRule, Hooks, Process, Spec } from '../../oci/runtime-spec.ts';
import { type CdiEdits, type CdiNode, cdiHookNames } from './cdi-spec.ts';

/** @param devicesAt the device of the host at a path (SPEC.md: what a node does not say is that of the host) */
export function applyCdi(spec: Spec, all: readonly CdiEdits[], devicesAt: (path: string) => readonly Device[]): Spec {
  return all.reduce((changed, edits) => applyEdits(changed, edits, devicesAt), spec);
}

function applyEdits(spec: Spec, edits: CdiEdits, devicesAt: (path: string) => readonly Device[]): Spec {
  const { linux = {}, mounts = [] } = spec;
  const process: Partial<Process> = spec.process ?? {};
  const nodes = edits.nodes.map((node) => ({ device: deviceOf(node, devicesAt), access: node.permissions ?? 'rwm' }));
  const paths = new Set(nodes.map(({ device }) => device.path));
  const targets = new Set(edits.mounts.map(({ destination }) => destination));
  const names = new Set(edits.env.map(nameOf));
  const { user } = process;
  return {
    ...spec,
    process: {
      ...process,
      env: [...(process.env ?? []).filter((entry) => !names.has(nameOf(entry))), ...edits.env],
      ...(edits.groups.length > 0 && {
        user: { ...user, additionalGids: [...new Set([...(user?.additionalGids ?? []), ...edits.groups])] },
      }),
    },
    mounts: [...mounts.filter(({ destination }) => !targets.has(destination)), ...edits.mounts],
    ...(edits.hooks.length > 0 && { hooks: joinHooks(spec.hooks ?? {}, edits) }),
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []).filter(({ path }) => !paths.has(path)), ...nodes.map(({ device }) => device)],
      resources: {
        ...linux.resources,
        devices: [
          ...(linux.resources?.devices ?? []),
          ...nodes.flatMap(({ device, access }) => ruleOf(device, access)),
        ],
      },
      ...(edits.intelRdt !== undefined && { intelRdt: edits.intelRdt }),
    },
  } as Spec;
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='));
}

function joinHooks(hooks: Hooks, edits: CdiEdits): Hooks {
  const added = cdiHookNames.flatMap((name) => {
    const own = edits.hooks.filter((entry) => entry.name === name).map(({ hook }) => hook);
    return own.length === 0 ? [] : [[name, [...(hooks[name] ?? []), ...own]] as const];
  });
  return { ...hooks, ...Object.fromEntries(added) };
}

function deviceOf(node: CdiNode, devicesAt: (path: string) => readonly Device[]): Device {
  const { path, hostPath = path, type, major, minor, fileMode, uid, gid } = node;
  const given = type !== undefined && (type === 'p' || (major !== undefined && minor !== undefined));
  const [host] = given ? [] : devicesAt(hostPath);
  if (!given && host === undefined) {
    throw new OnggiError('not-found', `CDI device node "${path}": there is no device at "${hostPath}"`, {
      hint: 'Load the driver, or have the specification written again.',
    });
  }
  return {
    ...host,
    path,
    ...(given && { type, ...(type !== 'p' && { major, minor }) }),
    ...(fileMode !== undefined && { fileMode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  } as Device;
}

function ruleOf({ type, major, minor }: Device, access: string): DeviceRule[] {
  return type === 'p' ? [] : [{ allow: true, type, major, minor, access } as DeviceRule];
}
