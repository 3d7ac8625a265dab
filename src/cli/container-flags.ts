/** The flags that `run` and `create` share. Pure data. */
import { asIs, list, type Refused, single, toggle, type ValueOf } from './definition.ts';
import { pullPolicies } from './pull-policy.ts';
import { healthFlags } from './run-flags/health.ts';
import { logFlags } from './run-flags/log.ts';
import { namespaceFlags } from './run-flags/namespaces.ts';
import { otherFlags } from './run-flags/others.ts';
import { resourceFlags } from './run-flags/resources.ts';
import { rootfsFlags } from './run-flags/rootfs.ts';
import { runtimeFlags } from './run-flags/runtime.ts';
import { secretFlags } from './run-flags/secrets.ts';
import { serviceFlags } from './run-flags/service.ts';
import { storageFlags } from './run-flags/storage.ts';
import { parseByteSize } from './value/byte-size.ts';
import { parseCapability } from './value/capability.ts';
import { parseDevice } from './value/device.ts';
import { parseAnnotation, parseAssignment, parseLabel, parseSysctl } from './value/environment.ts';
import { parseExpose } from './value/expose.ts';
import { parseGpus } from './value/gpus.ts';
import { parseHostEntry, parseResolverWord, parseServer } from './value/host-entry.ts';
import { parseMount, parseTmpfs } from './value/mount.ts';
import { integer, oneOf } from './value/number.ts';
import { parsedPlatform } from './value/platform.ts';
import { parsePortMappings } from './value/port-mapping.ts';
import { parseRestartPolicy } from './value/restart-policy.ts';
import { parseSecurityOption } from './value/security-option.ts';
import { parseUlimit } from './value/ulimit.ts';
import { parseVolume } from './value/volume.ts';
import { parseVolumesFrom } from './value/volumes-from.ts';

export const containerFlags = {
  ...resourceFlags,
  ...rootfsFlags,
  ...storageFlags,
  ...namespaceFlags,
  ...secretFlags,
  ...otherFlags,
  'add-host': list('list', parseHostEntry, 'Add a line to /etc/hosts: NAME:ADDRESS, or NAME:host-gateway'),
  annotation: list('map', parseAnnotation, 'Set NAME=VALUE as an annotation of the OCI configuration'),
  attach: list(
    'list',
    oneOf('stream', ['stdin', 'stdout', 'stderr'], 'caseless'),
    'Attach to STDIN, STDOUT or STDERR',
    {
      short: 'a',
    },
  ),
  'cap-add': list('list', parseCapability, 'Give a Linux capability, or ALL'),
  'cap-drop': list('list', parseCapability, 'Take a Linux capability away, or ALL'),
  cidfile: single('file', asIs, 'Write the ID of the container to this file, which must not exist', {
    emptyIsAbsent: true,
  }),
  device: list('list', parseDevice, 'Give a device of the host: /dev/x[:/dev/y][:rwm], or VENDOR/CLASS=NAME (CDI)'),
  dns: list('list', parseServer, 'Ask this name server'),
  'dns-option': list('list', parseResolverWord, 'Set an option of resolv.conf', { aliases: ['dns-opt'] }),
  'dns-search': list('list', parseResolverWord, 'Search names in this domain; . for none'),
  domainname: single('string', asIs, 'NIS domain name'),
  entrypoint: single('string', asIs, "Program to run instead of the image's; empty for none"),
  env: list('list', parseAssignment, "Set NAME=VALUE, or NAME to pass on the caller's value", { short: 'e' }),
  'env-file': list('file', asIs, 'Read environment variables from a file, one a line'),
  expose: list(
    'list',
    parseExpose,
    'Say that the container listens on a port or on a range of them: 80, 8000-8010/udp',
  ),
  gpus: single('gpu-request', parseGpus, 'Give GPUs by their CDI specifications: all, 2, or "device=0,1"'),
  'group-add': list('list', asIs, 'Be in this group, too: NAME of the image or GID'),
  ...healthFlags,
  hostname: single('string', asIs, 'Host name; the short ID if absent', { short: 'h' }),
  init: toggle('Run a small init as process 1 that forwards signals and reaps zombies'),
  interactive: toggle('Keep standard input open', { short: 'i' }),
  isolation: single('string', oneOf('isolation', ['default', '']), 'Isolation technology: default is the only one'),
  label: list('list', parseLabel, 'Set NAME=VALUE as a label', { short: 'l' }),
  'label-file': list('file', asIs, 'Read labels from a file, one a line'),
  ...logFlags,
  ...runtimeFlags,
  ...serviceFlags,
  mount: list(
    'mount',
    parseMount,
    'Mount a directory, a tmpfs, a volume or an image: type=bind,source=/a,target=/b,readonly',
  ),
  name: single('string', asIs, 'Name of the container; a made-up one if absent'),
  platform: single('string', parsedPlatform, 'Platform of an image that has several (linux/arm64)', {
    emptyIsAbsent: true,
  }),
  privileged: toggle('Drop the protections: all capabilities, devices and system calls'),
  publish: list('list', parsePortMappings, 'Publish a port: [[IP:]HOST:]CONTAINER[/udp]', { short: 'p' }),
  'publish-all': toggle('Publish all ports that the container listens on, each on any free one', { short: 'P' }),
  pull: single(
    'string',
    oneOf('pull option', pullPolicies),
    'Pull the image: always, missing, never, or newer when the registry has another',
    {
      shown: 'missing',
      emptyIsAbsent: true,
    },
  ),
  quiet: toggle('Pull without showing progress', { short: 'q' }),
  'read-only': toggle('Mount the root file system read-only'),
  restart: single(
    'string',
    parseRestartPolicy,
    'Start it again when it ends: no, always, unless-stopped, on-failure[:N]',
    {
      shown: 'no',
    },
  ),
  rm: toggle('Remove the container when it ends'),
  'security-opt': list(
    'list',
    parseSecurityOption,
    'Protect more or less: no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE, systempaths=unconfined, mask=PATH, unmask=PATH|ALL',
  ),
  'shm-size': single('bytes', parseByteSize, 'Size of /dev/shm', { shown: '64m' }),
  'stop-signal': single('string', asIs, 'Signal that asks the container to stop', { emptyIsAbsent: true }),
  'stop-timeout': single('int', integer(-1), 'Seconds between the stop signal and SIGKILL; -1 to wait for ever'),
  sysctl: list('map', parseSysctl, 'Set a kernel parameter of the container: NAME=VALUE'),
  tmpfs: list('list', parseTmpfs, 'Mount a tmpfs: /target[:size=64m,mode=1777]'),
  tty: toggle('Give the process a terminal', { short: 't' }),
  ulimit: list('ulimit', parseUlimit, 'Set a resource limit: NAME=SOFT[:HARD]'),
  user: single('string', asIs, 'User and group: NAME|UID[:GROUP|GID]', { short: 'u' }),
  volume: list('list', parseVolume, 'Mount a directory of the host or a volume: /host/path:/path[:ro], NAME:/path', {
    short: 'v',
  }),
  'volume-driver': single('string', oneOf('volume driver', ['local']), 'Driver of the volumes that are made: local', {
    emptyIsAbsent: true,
  }),
  'volumes-from': list('list', parseVolumesFrom, 'Mount the volumes and binds of another container: CONTAINER[:ro]'),
  workdir: single('string', asIs, 'Working directory', { short: 'w' }),
} as const;

export type ContainerFlags = { readonly [N in keyof typeof containerFlags]: ValueOf<(typeof containerFlags)[N]> };

/** The rest of what Docker 28 takes. */
export const refusedContainerFlags: Refused = {
  values: ['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops', 'kernel-memory'],
  switches: ['disable-content-trust', 'use-api-socket'],
  harmless: {
    'disable-content-trust': ['true', '1'],
    'use-api-socket': ['false'],
  },
};
