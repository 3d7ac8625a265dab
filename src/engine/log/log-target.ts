/** From the log configuration of a container to what its shim is told (native/log/log-config.h). Pure. */

import { unsupported } from '../../errors.ts';
import type { LogFile, LogServer, LogTarget } from '../../runtime/plan/steps.ts';
import type { LogConfig } from '../types/log.ts';
import { type LogAddress, parseAddress } from './log-address.ts';
import { facility, isOn, logSize, syslogSchemes } from './log-config.ts';
import { logTag, type TagFacts } from './log-tag.ts';
import { msgpackPairs } from './msgpack.ts';
import type { RelayAsk } from './relay-ask.ts';

/** What tags and attributes are made of. */
export type LogFacts = TagFacts & {
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
  /** NAME=VALUE */
  readonly env: readonly string[];
  /** Of the log file. */
  readonly path: string;
  /** The command that connects with a server that wants TLS (relay.ts). */
  readonly relay: (ask: RelayAsk) => readonly string[];
};

const defaultBuffer = 1 << 20;
/** Docker's "local": 20 MB, five files, compressed. */
const localDefaults = { size: 20 << 20, files: 5 } as const;

/** @param config checked (log-config.ts) */
export function logTarget(config: LogConfig, facts: LogFacts): LogFile | LogTarget | null {
  const { driver, options } = config;
  const bufferSize =
    options['mode'] === 'non-blocking' ? BigInt(logSize(options['max-buffer-size'] ?? '') ?? defaultBuffer) : 0n;
  switch (driver) {
    case 'none':
    case 'passthrough':
      return null;
    case 'json-file':
    case 'local':
    case 'k8s-file':
      return {
        driver,
        bufferSize,
        ...fileOf(config, facts),
        fields: driver === 'json-file' ? jsonFields(config, facts) : none,
      };
    case 'journald': {
      const server = { transport: 'datagram', address: '/run/systemd/journal/socket', port: 0 } as const;
      return { driver, bufferSize, server, numbers: [0, 0], head: none, fields: journalFields(config, facts) };
    }
    case 'syslog': {
      const format = { rfc3164: 1, rfc5424: 2, rfc5424micro: 3 }[options['syslog-format'] ?? ''] ?? 0;
      const numbers = [facility(options['syslog-facility'] ?? 'daemon'), format] as const;
      // A blank would be the next field.
      const [head, fields] = [facts.hostname, tagOf(config, facts)].map((text) => bytes(text.replaceAll(/\s/g, '_')));
      return {
        driver,
        bufferSize,
        server: syslogServer(options, facts.relay),
        numbers,
        head: head ?? none,
        fields: fields ?? none,
      };
    }
    case 'fluentd': {
      const extra = attributesOf(config, facts, (name) => name);
      const pairs = { container_id: facts.id, container_name: `/${facts.name}`, ...extra };
      const numbers = [Object.keys(pairs).length, isOn(options['fluentd-sub-second-precision']) ? 1 : 0] as const;
      const asked = parseAddress(
        'fluentd-address',
        options['fluentd-address'] ?? 'localhost:24224',
        ['tcp', 'unix'],
        24224,
      );
      const server = secured(asked, facts.relay);
      return { driver, bufferSize, server, numbers, head: bytes(tagOf(config, facts)), fields: msgpackPairs(pairs) };
    }
    case 'gelf': {
      const server = secured(
        parseAddress('gelf-address', options['gelf-address'] ?? '', ['udp', 'tcp'], 12201),
        facts.relay,
      );
      const compression = { none: 0, gzip: 1, zlib: 2 }[options['gelf-compression-type'] ?? 'gzip'] ?? 1;
      const head = bytes(JSON.stringify(facts.hostname).slice(1, -1));
      return { driver, bufferSize, server, numbers: [compression, 0], head, fields: gelfFields(config, facts) };
    }
  }
}

const none = new Uint8Array();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function fileOf({ driver, options }: LogConfig, { path }: LogFacts): LogFile {
  const local = driver === 'local';
  const size = options['max-size'] === '-1' ? 0 : logSize(options['max-size'] ?? '');
  return {
    path,
    maxSize: BigInt(size ?? (local ? localDefaults.size : 0)),
    maxFiles: Number(options['max-file'] ?? (local ? localDefaults.files : 1)),
    compress: options['compress'] === undefined ? local && options['max-file'] !== '1' : isOn(options['compress']),
  };
}

/** A local daemon is where it is; Docker writes to it without asking where. */
function syslogServer(options: LogConfig['options'], relay: LogFacts['relay']): LogServer {
  const address = options['syslog-address'];
  if (address === undefined) return { transport: 'datagram', address: '/dev/log', port: 0 };
  const server = parseAddress('syslog-address', address, syslogSchemes, 514);
  return secured(server, relay, {
    authority: options['syslog-tls-ca-cert'],
    certificate: options['syslog-tls-cert'],
    key: options['syslog-tls-key'],
    verify: !isOn(options['syslog-tls-skip-verify']),
  });
}

type Secured = Omit<RelayAsk, 'host' | 'port'>;

/** @throws OnggiError `unsupported` where no program can be the relay */
function secured({ transport, address, port }: LogAddress, relay: LogFacts['relay'], how?: Secured): LogServer {
  if (transport !== 'tls') return { transport, address, port };
  const command = relay({ host: address, port, verify: true, ...how });
  if (command.some((word) => word.includes('\n')))
    throw unsupported('a log server with TLS by a path with a line feed');
  return { transport, address, port, command };
}

function tagOf({ options }: LogConfig, facts: LogFacts): string {
  return logTag(options['tag'] ?? '{{.ID}}', facts);
}

/** Labels and variables that are to be in each entry, under the names that a driver gives them. */
function attributesOf(
  { options }: LogConfig,
  { labels, env }: LogFacts,
  rename: (name: string) => string,
): Record<string, string> {
  const variables = Object.fromEntries(
    env.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]),
  );
  const chosen: Record<string, string> = {};
  for (const [from, names, regex] of [
    [labels, options['labels'], options['labels-regex']],
    [variables, options['env'], options['env-regex']],
  ] as const) {
    const listed = names?.split(',') ?? [];
    const pattern = regex === undefined ? undefined : new RegExp(regex, 'u');
    for (const [name, value] of Object.entries(from)) {
      if (listed.includes(name) || pattern?.test(name) === true) chosen[rename(name)] = value;
    }
  }
  return chosen;
}

function jsonFields(config: LogConfig, facts: LogFacts): Uint8Array {
  const tag = config.options['tag'] === undefined ? {} : { tag: tagOf(config, facts) };
  const attributes = { ...attributesOf(config, facts, (name) => name), ...tag };
  if (Object.keys(attributes).length === 0) return none;
  const sorted = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return bytes(`,"attrs":${JSON.stringify(sorted)}`);
}

function journalFields(config: LogConfig, facts: LogFacts): Uint8Array {
  const tag = tagOf(config, facts);
  const fields = {
    // What follows the journal's rules of names: capital letters, digits, underscores, none of these in front.
    ...attributesOf(config, facts, (name) =>
      name
        .toUpperCase()
        .replaceAll(/[^A-Z0-9_]/g, '_')
        .replace(/^_+/, ''),
    ),
    CONTAINER_ID: facts.id.slice(0, 12),
    CONTAINER_ID_FULL: facts.id,
    CONTAINER_NAME: facts.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: facts.imageName,
    SYSLOG_IDENTIFIER: tag,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => {
    // A name that is a digit first or empty is refused by the journal, and with it the entry.
    return /^[A-Z][A-Z0-9_]{0,63}$/.test(name) ? [`${name}=${value.replaceAll('\n', ' ')}\n`] : [];
  });
  return bytes(lines.join(''));
}

function gelfFields(config: LogConfig, facts: LogFacts): Uint8Array {
  const fields = {
    ...attributesOf(config, facts, (name) => `_${name.replaceAll(/[^\w.-]/g, '_')}`),
    _container_id: facts.id,
    _container_name: facts.name,
    _image_id: facts.imageId,
    _image_name: facts.imageName,
    _command: facts.command.join(' '),
    _tag: tagOf(config, facts),
    _created: new Date(facts.created).toISOString(),
  };
  return bytes(
    Object.entries(fields)
      .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(''),
  );
}
