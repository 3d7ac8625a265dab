/** `--explain`: the plan that would be executed, in words. Reads what it may, changes nothing, needs no root. */

import { OnggiError, unsupported } from '../../errors.ts';
import { findImage } from '../../image/find.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { loopbackStep, vethSteps } from '../../network/veth.ts';
import { randomHex } from '../../random.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { hostFacts } from '../../runtime/host-facts.ts';
import { compile } from '../../runtime/plan/compile.ts';
import { explainPlan } from '../../runtime/plan/explain.ts';
import { layoutOf, volumeDataPath } from '../../store/layout.ts';
import { networkByName } from '../../store/network-row.ts';
import { openStore } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { hostMaskedPaths } from '../image/host-image.ts';
import { readImageConfig } from '../image/view.ts';
import { jsonFile } from '../log/log-config.ts';
import { logTarget } from '../log/log-target.ts';
import { withSecretPlaces } from '../secret/use.ts';
import { joinedContainers, joinedOf } from '../spec/namespace.ts';
import type { ImageConfigView } from '../spec/process.ts';
import { makeSpec } from '../spec/spec.ts';
import { rootOrDefault } from '../store-root.ts';
import type { ContainerOptions } from '../types.ts';
import { withPeers } from '../volume/propagation.ts';
import { resolveMounts } from '../volume/volume-mount.ts';
import { cgroupsAbove } from './container.ts';
import { hostImage, withHostCommand } from './create.ts';
import { sessionKeyring } from './keyring.ts';
import { newContainerId } from './name.ts';
import { type ContainerNetwork, loopback } from './network.ts';
import { cdiChange, cgroupOf, filterOfSpec, initContext, processContext, specFacts } from './plan.ts';

type ImageFacts = {
  readonly view: ImageConfigView | null;
  readonly layers: readonly string[];
  readonly volumes: readonly string[];
};

export async function explain(context: Context, asked: ContainerOptions): Promise<string> {
  if (asked.runtime !== undefined) throw unsupported('--explain with --runtime');
  const given = withHostCommand(asked);
  const layout = layoutOf(rootOrDefault(context.root));
  const host = hostFacts();
  const id = newContainerId();
  const directory = `${layout.containers}/${id}`;
  const { cgroupsPath, ...keeping } = cgroupOf(id, given);
  const notes: string[] = [];
  const { view, layers, volumes } = imageFacts(context, given, notes);
  const { mounts } = resolveMounts(given, [], volumes, () => 'NEW-VOLUME');
  const options = { ...given, mounts };
  const plain = makeSpec(
    options,
    view,
    specFacts(host, {
      id,
      cgroupsPath,
      files: { hostname: `${directory}/hostname`, hosts: `${directory}/hosts`, resolv: `${directory}/resolv.conf` },
      maskedPaths: view === null ? hostMaskedPaths(layout) : [],
      images: ({ source }) => `${directory}/images/${source}`,
      volumes: (name) => ({ path: volumeDataPath(layout, name), options: optionsOfVolume(options, name) }),
      joined: new Map(joinedContainers(options).map(({ container }) => [container, 0])),
      warn: (message) => void notes.push(message),
      withCdi: await cdiChange(options),
      initCopy: `${directory}/init`,
    }),
  );
  const spec = withSecretPlaces(plain, `${directory}/secrets`, options);
  const { plan, warnings } = compile(spec, {
    host: { ...host, capabilities: allCapabilities },
    keeper: {
      kind: 'shim',
      id,
      socket: `${layout.sockets}/${id.slice(0, 20)}`,
      log: logTarget(options.log ?? jsonFile, {
        id,
        name: options.name ?? '',
        imageId: '',
        imageName: options.image,
        command: spec.process?.args ?? [],
        created: 0,
        labels: options.labels ?? {},
        env: spec.process?.env ?? [],
        hostname: spec.hostname ?? '',
        path: `${directory}/log`,
        relay: (ask) => ['onggi', 'log-relay', JSON.stringify(ask)],
      }),
      exitFile: `${directory}/exit.json`,
      ...(options.autoRemove === true && { exitUnsynced: true }),
      reconcile: ['onggi', 'reconcile', id],
      stdin: options.stdin === true,
      stdinOnce: options.stdin === true,
      startRequired: true,
    },
    bundle: directory,
    root: {
      kind: 'overlay',
      directory: layout.layers,
      lower: layers,
      upper: `${directory}/upper`,
      work: `${directory}/work`,
      volatile: options.autoRemove === true,
      userAttributes: host.unprivileged !== undefined,
      target: `${directory}/rootfs`,
    },
    cgroup: findCgroup(cgroupsPath, host.cgroups),
    cgroupKeeping: { above: cgroupsAbove(keeping) },
    keyring: sessionKeyring(id),
    ...(await filterOfSpec(spec, host)),
    network: networkSteps(context, options, id),
    ...processContext(options),
    ...initContext(spec),
  });
  return [explainPlan(withPeers(plan)), ...[...notes, ...warnings].map((note) => `note: ${note}`)].join('\n');
}

/** A volume that is there already may have others; what is shown is what this run would make. */
function optionsOfVolume({ mounts = [] }: ContainerOptions, wanted: string): Readonly<Record<string, string>> {
  for (const mount of mounts) if (mount.type === 'volume' && mount.name === wanted) return mount.options ?? {};
  return {};
}

/** As root has them: the plan is that of a real run, whoever asks for it. */
const allCapabilities = (1n << 41n) - 1n;

/** Without access to the store, or without the image in it, the plan still shows everything that the options decide. */
function imageFacts({ root }: Context, options: ContainerOptions, notes: string[]): ImageFacts {
  const none = { env: [], entrypoint: [], cmd: [], workingDir: '', user: '' };
  if (options.rootfs !== undefined) return { view: none, layers: [options.rootfs.path], volumes: [] };
  if (options.image === hostImage) return { view: null, layers: ['/'], volumes: [] };
  try {
    using store = openStore(rootOrDefault(root), { readOnly: true });
    const image = findImage(store, options.image);
    const view = readImageConfig(store, image.id).value.process;
    return { view, layers: lowerDirectories(store, image.id), volumes: view.volumes };
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    notes.push(`image "${options.image}": ${error.message}; its layers, command and environment are not shown`);
    const cmd = ['(the command of the image)'];
    return {
      view: { env: [], entrypoint: [], cmd, workingDir: '', user: '' },
      layers: ['(the layers of the image)'],
      volumes: [],
    };
  }
}

function networkSteps({ root }: Context, options: ContainerOptions, containerId: string): ContainerNetwork {
  if (options.network === 'host') return { attach: [], init: [], address: null, gateway: loopback };
  if (joinedOf(options.network) !== undefined) return { attach: [], init: [], address: null, gateway: loopback };
  if (options.network === 'none' || unprivileged() !== undefined)
    return { attach: [], init: [loopbackStep()], address: null, gateway: loopback };
  const network = { ...knownNetwork(root), owner: 'onggi' };
  const nonce = randomHex(10);
  const address = network.gateway.replace(/\d+$/, '2');
  const { attach, init } = vethSteps(network, { index: 0, mtu: 1500 }, { containerId, address, nonce });
  return { attach: [attach], init: [init], address, gateway: network.gateway };
}

function knownNetwork(root: string | undefined): { name: string; bridge: string; subnet: string; gateway: string } {
  const example = { name: 'bridge', bridge: 'onggi0', subnet: '10.88.0.0/16', gateway: '10.88.0.1' };
  try {
    using store = openStore(rootOrDefault(root), { readOnly: true });
    return networkByName(store.database, 'bridge') ?? example;
  } catch (error) {
    if (error instanceof OnggiError) return example;
    throw error;
  }
}
