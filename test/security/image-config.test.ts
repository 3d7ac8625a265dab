/**
 * Class H: what an image says of itself as control input. An image has a say in what is executed: command, environment,
 * directory, user. Every other field of its config and manifest is flipped here, one after the other and all at once,
 * and the plan must stay what it was.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { type Registry, startRegistry } from '../harness/registry.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { imageOf, manifestOf, pushImage, type TestImage } from '../harness/test-image.ts';

/** Nobody's credentials, and a secret of the caller's. */
const env = { DOCKER_CONFIG: '/nonexistent', CANARY_TOKEN: 'leaked', AWS_SECRET_ACCESS_KEY: 'leaked' };

type Flip = {
  /** Fields of `config` in the image config. */
  readonly process?: object;
  /** Fields beside `config`. */
  readonly document?: object;
  readonly manifest?: object;
};

/** Words by which some engine has taken orders from an image: podman, containerd, CRI-O, crun, Docker. */
const orders: Readonly<Record<string, string>> = {
  'io.podman.annotations.privileged': 'TRUE',
  'io.podman.annotations.seccomp': 'unconfined',
  'io.podman.annotations.label': 'disable',
  'io.podman.annotations.userns': 'host',
  'io.containers.autoupdate': 'registry',
  'io.containerd.runc.v2.log': 'binary:///bin/sh?-c',
  'containerd.io/log-uri': 'binary:///bin/sh?-c',
  'run.oci.handler': 'krun',
  'run.oci.keep_original_groups': '1',
  'run.oci.seccomp_fd_receiver': '/run/x',
  'run.oci.systemd.subgroup': '..',
  'io.kubernetes.cri-o.userns-mode': 'host',
  'io.kubernetes.cri-o.Devices': '/dev/sda:/dev/sda:rwm',
  'io.kubernetes.cri-o.UnifiedCgroup': 'x',
  'cdi.k8s.io/x': 'vendor.com/device=all',
  'com.docker.compose.project': 'x',
  onggi: 'privileged',
  'onggi.privileged': 'true',
};

const command = { Cmd: ['/bin/true'] };
const everything = {
  Env: [
    'ONGGI_PRIVILEGED=1',
    'container=oci',
    'NOTIFY_SOCKET=/run/x',
    'LISTEN_FDS=3',
    'LD_PRELOAD=/x',
    'HOME=/\nroot::0:0',
  ],
  Entrypoint: ['--privileged', '--cap-add=ALL', '-v/:/host'],
  Cmd: ['--network=host'],
  User: 'root:root',
  WorkingDir: '/proc/self/fd/7',
};
const privileged = { Privileged: true, CapAdd: ['ALL'], NetworkMode: 'host', PidMode: 'host', Binds: ['/:/host'] };

/** Each field of config.md, of Docker's configs and of the specification's manifests; and some that nobody has. */
const flips: Readonly<Record<string, Flip>> = {
  entrypoint: { process: { Entrypoint: everything.Entrypoint } },
  environment: { process: { Env: everything.Env } },
  user: { process: { User: everything.User } },
  directory: { process: { WorkingDir: everything.WorkingDir } },
  labels: { process: { Labels: orders } },
  volumes: { process: { Volumes: { '/': {}, '/proc': {}, '/etc': {}, '/../../etc': {}, '/var/lib/onggi': {} } } },
  ports: { process: { ExposedPorts: { '1/tcp': {}, '22/tcp': {}, '65535/udp': {} } } },
  signal: { process: { StopSignal: 'SIGSTOP', StopTimeout: -1 } },
  health: { process: { Healthcheck: { Test: ['CMD-SHELL', 'touch /escaped'], Interval: 1 } } },
  build: { process: { OnBuild: ['RUN touch /escaped'], Shell: ['/bin/evil'], ArgsEscaped: true } },
  stdio: { process: { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true, NetworkDisabled: true } },
  identity: { process: { Hostname: 'evil', Domainname: 'evil', MacAddress: '02:00:00:00:00:01', Image: 'x' } },
  memory: { process: { Memory: 1, MemorySwap: -1, CpuShares: 1, CpusetCpus: '0' } },
  host: { process: { HostConfig: privileged, ...privileged }, document: { HostConfig: privileged, ...privileged } },
  container: { document: { container_config: { ...privileged, Labels: orders }, annotations: orders, labels: orders } },
  runtime: {
    document: { linux: { seccomp: null, maskedPaths: [] }, mounts: [{ source: '/' }], hooks: { prestart: [] } },
  },
  platform: {
    document: { 'os.version': '10', 'os.features': ['win32k'], author: 'x', created: '1970-01-01T00:00:00Z' },
  },
  history: { document: { history: [{ created_by: 'x', empty_layer: true, comment: '\u001b[2J' }] } },
  annotations: { manifest: { annotations: orders } },
  artifact: { manifest: { artifactType: 'application/x', subject: undefined } },
};

function flipped(layer: Buffer, { process, document, manifest }: Flip): TestImage {
  const image = imageOf([layer], { config: { ...command, ...process } });
  const config = Buffer.from(
    JSON.stringify({ ...JSON.parse(String(image.blobs.get(image.config.digest))), ...document }),
  );
  const descriptor = { mediaType: mediaTypes.config, digest: sha256(config), size: config.length };
  const fields = { config: descriptor, layers: image.layers, ...manifest };
  return {
    config: descriptor,
    layers: image.layers,
    manifest: manifestOf(mediaTypes.manifest, fields),
    blobs: new Map([...image.blobs, [descriptor.digest, config]]),
  };
}

/** Pushes an image and pulls it; its name. */
async function bring(world: World, registry: Registry, tag: string, image: TestImage): Promise<string> {
  const name = `${registry.host}/hostile:${tag}`;
  await pushImage(registry, 'hostile', image, tag);
  await world.ok(['pull', '-q', name], { env });
  return name;
}

/** An anonymous volume on a directory of the image: that much it may ask for. */
const ofVolume =
  /^bind the host's \S+\/volumes\/NEW-VOLUME\/_data on (\S+) \(rprivate, with submounts\), filling it .*\n/gm;

async function explained(world: World, name: string): Promise<string> {
  const plan = await world.ok(['run', '--rm', '--network', 'none', '--explain', name], { env });
  return plan.replace(/^ *\d+\. /gm, '');
}

/** The steps of the plan without what an image may say: command, environment, directory, user, volumes of its own. */
function policyOf(plan: string): string {
  return plan
    .replace(ofVolume, '')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
    .replaceAll(/\b[0-9a-f]{12,20}\b/g, 'ID')
    .replace(/^go to the directory .*?, creating/m, 'go to DIRECTORY, creating')
    .replace(/^become .*? with further groups [^,]*,/m, 'become USER,')
    .replace(/^become (?!USER).*?(?=, with )/m, 'become USER')
    .replace(/^find the program .*$/m, 'find COMMAND')
    .replace(/^execute .*$/m, 'execute COMMAND');
}

const empty = { image: false, timeout: 120_000 };

systemTest(
  'no field of an image moves a step of the plan but those that execute its command',
  ['docker-registry', 'busybox'],
  async (world) => {
    await using registry = await startRegistry();
    const layer = readFileSync(await busyboxTar());
    const expected = policyOf(await explained(world, await bring(world, registry, 'plain', flipped(layer, {}))));
    assert.match(expected, /filter system calls[\s\S]*become USER, with no capabilities but/);
    for (const [tag, flip] of Object.entries(flips)) {
      const plan = await explained(world, await bring(world, registry, tag, flipped(layer, flip)));
      assert.equal(policyOf(plan), expected, tag);
      const volumes = [...plan.matchAll(ofVolume)].map(([, target]) => target);
      assert.deepEqual(volumes, tag === 'volumes' ? ['/etc', '/var/lib/onggi'] : [], tag);
    }
    const list = Object.values(flips);
    const whole: Flip = {
      process: Object.assign({}, ...list.map(({ process }) => process), everything),
      document: Object.assign({}, ...list.map(({ document }) => document)),
      manifest: Object.assign({}, ...list.map(({ manifest }) => manifest)),
    };
    assert.equal(
      policyOf(await explained(world, await bring(world, registry, 'whole', flipped(layer, whole)))),
      expected,
    );
  },
  empty,
);

/** CVE-2026-57231 of podman: names with a pattern in them took in the variables of the host. */
systemTest(
  'the environment of an image takes nothing from the caller',
  ['docker-registry', 'busybox'],
  async (world) => {
    await using registry = await startRegistry();
    const Env = [
      'CANARY_*',
      '*',
      'CANARY_TOKEN',
      'AWS_SECRET_ACCESS_KEY',
      'A=$CANARY_TOKEN',
      'B=${AWS_SECRET_ACCESS_KEY}',
      '=x',
    ];
    const image = flipped(readFileSync(await busyboxTar()), { process: { Env, Cmd: ['env'] } });
    const name = await bring(world, registry, 'env', image);
    assert.doesNotMatch(await world.ok(['run', '--rm', '--network', 'none', name], { env }), /leaked/);
    const id = await world.ok(['run', '-d', '--network', 'none', name, 'sleep', '60'], { env });
    assert.doesNotMatch(await world.ok(['exec', id, 'env'], { env }), /leaked/);
    const [
      {
        State: { Pid },
      },
    ] = JSON.parse(await world.ok(['inspect', id])) as [{ State: { Pid: number } }];
    // Nor has its keeper, which outlives the caller, anything of his environment.
    const keeper = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${Pid}/status`, 'utf8'))?.[1];
    assert.doesNotMatch(readFileSync(`/proc/${keeper}/environ`, 'utf8'), /leaked/);
  },
  empty,
);
