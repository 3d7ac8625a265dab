/** `--format` of commands that print one record: `inspect`, `version`, `info`. Pure. */
import { OnggiError } from '../../errors.ts';
import { goJson, markStructs } from '../template/print.ts';
import { compileTemplate } from '../template/template.ts';

/** @throws OnggiError `invalid` */
export function printRecord(record: unknown, format: string): string {
  return `${compileRecord(format)(record)}\n`;
}

/** Fields whose keys are the user's: one that is missing is no mistake and prints as "<no value>", as in Docker. */
const maps: ReadonlySet<string | undefined> = new Set([
  'ExposedPorts',
  'Labels',
  'Networks',
  'PortBindings',
  'Ports',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

/** Maps all of whose keys are told. */
const otherMaps: ReadonlySet<string> = new Set(['Annotations', 'Data', 'DriverOpts', 'Options', 'StorageOpt']);

function isMap(name: string, parent: string | undefined): boolean {
  return maps.has(name) || otherMaps.has(name) || (name === 'Config' && parent === 'LogConfig');
}

/** Fields that the Engine API leaves out where there is nothing to tell; they are no mistake either. */
const optional: ReadonlySet<string> = new Set([
  'Annotations',
  'ExposedPorts',
  'Health',
  'Healthcheck',
  'OnBuild',
  'Shell',
  'SizeRootFs',
  'SizeRw',
  'StopSignal',
  'StopTimeout',
]);

/** What Docker's client prints of fields that hold nothing: it knows of each whether it is a list, a map or a pointer. */
const empties: readonly (readonly [text: string, names: ReadonlySet<string>])[] = [
  [
    '[]',
    new Set(
      [
        'Aliases Binds CapAdd CapDrop Cmd DeviceCgroupRules DeviceRequests Devices DNSNames Dns DnsOptions DnsSearch Entrypoint Env ExecIDs',
        'ExtraHosts GroupAdd Links MaskedPaths OnBuild ReadonlyPaths RepoDigests RepoTags SecurityOpt Shell Ulimits VolumesFrom',
      ].flatMap((names) => names.split(' ')),
    ),
  ],
  [
    'map[]',
    new Set(['Annotations', 'DriverOpts', 'Options', 'StorageOpt', ...[...maps].flatMap((name) => name ?? [])]),
  ],
  [
    '<nil>',
    new Set([
      'Health',
      'Healthcheck',
      'IPAMConfig',
      'Init',
      'MemorySwappiness',
      'OomKillDisable',
      'PidsLimit',
      'SizeRootFs',
      'SizeRw',
      'StopTimeout',
    ]),
  ],
  ['', new Set(['StopSignal'])],
];

/** @throws OnggiError `invalid` on a template that can't be parsed */
export function compileRecord(format: string): (record: unknown) => string {
  if (format === 'json') return goJson;
  const empty = (name: string): string | undefined => empties.find(([, names]) => names.has(name))?.[0];
  const print = compileTemplate(format, {
    missing: (name, parent) => {
      if (maps.has(parent) || optional.has(name) || empty(name) !== undefined) return undefined;
      throw new OnggiError('invalid', `template parsing error: map has no entry for key "${name}"`);
    },
    empty,
  });
  return (record) => {
    markStructs(record, isMap, empty);
    return print(record);
  };
}
