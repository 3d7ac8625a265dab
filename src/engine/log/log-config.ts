/** Log drivers and their options: what there is, and what is wrong with what somebody asks for. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { LogConfig, LogDriver } from '../types/log.ts';
import { isPattern, parseAddress } from './log-address.ts';
import { checkTag } from './log-tag.ts';

type Check = (value: string, name: string) => void;

const free: Check = () => {};

function words(...known: string[]): Check {
  return (value, name) => {
    if (!known.includes(value)) throw wrong(name, value, `one of ${known.join(', ')}`);
  };
}

const flag = words('true', 'false', '1', '0');

function count(low: number, high: number): Check {
  return (value, name) => {
    const within = /^\d{1,10}$/.test(value) && Number(value) >= low && Number(value) <= high;
    if (!within) throw wrong(name, value, `a number from ${low} to ${high}`);
  };
}

const size: Check = (value, name) => {
  if (logSize(value) === undefined) throw wrong(name, value, 'a size, such as 10m');
};
const maxSize: Check = (value, name) => {
  if (value !== '-1') size(value, name);
};
const pattern: Check = (value, name) => {
  if (!isPattern(value)) throw wrong(name, value, 'a regular expression');
};

const absolute: Check = (value, name) => {
  if (!value.startsWith('/')) throw wrong(name, value, 'an absolute path');
};

/** What Docker has and we have not: refused by name. */
const notSupported: Check = (_, name) => {
  throw unsupported(`log option '${name}'`);
};

export const syslogSchemes = ['udp', 'tcp', 'unix', 'unixgram', 'tcp+tls'] as const;

const attributes = { labels: free, 'labels-regex': pattern, env: free, 'env-regex': pattern, tag: checkTag } as const;
const files = { 'max-size': maxSize, 'max-file': count(1, 1000), compress: flag } as const;
const every = { mode: words('blocking', 'non-blocking'), 'max-buffer-size': size } as const;

const options: Readonly<Record<LogDriver, Readonly<Record<string, Check>>>> = {
  'json-file': { ...every, ...files, ...attributes },
  local: { ...every, ...files },
  'k8s-file': { ...every, ...files },
  journald: { ...every, ...attributes },
  syslog: {
    ...every,
    ...attributes,
    'syslog-address': (value) => void parseAddress('syslog-address', value, syslogSchemes, 514),
    'syslog-facility': (value) => void facility(value),
    'syslog-format': words('rfc3164', 'rfc5424', 'rfc5424micro'),
    'syslog-tls-ca-cert': absolute,
    'syslog-tls-cert': absolute,
    'syslog-tls-key': absolute,
    'syslog-tls-skip-verify': flag,
  },
  fluentd: {
    ...every,
    ...attributes,
    'fluentd-address': (value) => void parseAddress('fluentd-address', value, ['tcp', 'unix'], 24224),
    'fluentd-async': flag,
    'fluentd-sub-second-precision': flag,
    'fluentd-async-connect': notSupported,
    'fluentd-async-reconnect-interval': notSupported,
    'fluentd-buffer-limit': notSupported,
    'fluentd-max-retries': notSupported,
    'fluentd-read-timeout': notSupported,
    'fluentd-request-ack': notSupported,
    'fluentd-retry-wait': notSupported,
    'fluentd-write-timeout': notSupported,
  },
  gelf: {
    ...every,
    ...attributes,
    'gelf-address': (value) => void parseAddress('gelf-address', value, ['udp', 'tcp'], 12201),
    'gelf-compression-type': words('gzip', 'zlib', 'none'),
    'gelf-compression-level': notSupported,
    'gelf-tcp-max-reconnect': notSupported,
    'gelf-tcp-reconnect-delay': notSupported,
  },
  none: {},
  passthrough: {},
};

/** Where nobody says otherwise. */
export const jsonFile: LogConfig = { driver: 'json-file', options: {} };

export const logDrivers = Object.keys(options) as readonly LogDriver[];

export function isLogDriver(name: string): name is LogDriver {
  return Object.hasOwn(options, name);
}

/** @throws OnggiError `invalid` for an option that the driver does not have, or a value that it does not take */
export function checkLogConfig(config: LogConfig): void {
  const { driver, options: given } = config;
  if (!isLogDriver(driver)) {
    throw new OnggiError('invalid', `logger: no log driver named '${driver}' is registered`, {
      hint: `There are ${logDrivers.join(', ')}.`,
    });
  }
  const known = options[driver];
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) throw new OnggiError('invalid', `unknown log opt '${name}' for ${driver} log driver`);
    check(value, name);
  }
  checkTogether(config);
}

function checkTogether({ driver, options: given }: LogConfig): void {
  const { mode, 'max-buffer-size': buffer, 'max-size': limit, 'max-file': fileCount, compress } = given;
  if (buffer !== undefined && mode !== 'non-blocking') {
    throw new OnggiError('invalid', "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  const rotates = driver === 'local' ? limit !== '-1' : limit !== undefined && limit !== '-1';
  if (!rotates && fileCount !== undefined && fileCount !== '1') {
    throw new OnggiError('invalid', `log option max-file=${fileCount} has no effect without max-size`, {
      hint: 'Add --log-opt max-size=10m.',
    });
  }
  const several = driver === 'local' ? fileCount !== '1' : Number(fileCount ?? 1) > 1;
  if (isOn(compress) && !(rotates && several)) {
    throw new OnggiError('invalid', 'compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  if (driver === 'gelf' && given['gelf-address'] === undefined) {
    throw new OnggiError('invalid', 'gelf: gelf-address is required', {
      hint: 'Add --log-opt gelf-address=udp://HOST:12201.',
    });
  }
  if (driver === 'syslog') checkTls(given);
  const compression = given['gelf-compression-type'];
  if (compression !== undefined && given['gelf-address']?.startsWith('tcp:') === true) {
    throw new OnggiError('invalid', 'compression is only supported on UDP', {
      hint: 'Leave gelf-compression-type out.',
    });
  }
}

function checkTls(given: LogConfig['options']): void {
  const named = Object.keys(given).find((name) => name.startsWith('syslog-tls-'));
  if (named !== undefined && given['syslog-address']?.startsWith('tcp+tls://') !== true) {
    throw new OnggiError('invalid', `log option ${named} has no effect without TLS`, {
      hint: 'Add --log-opt syslog-address=tcp+tls://HOST:PORT.',
    });
  }
  if ((given['syslog-tls-cert'] === undefined) !== (given['syslog-tls-key'] === undefined)) {
    throw new OnggiError(
      'invalid',
      'log options syslog-tls-cert and syslog-tls-key: one is of no use without the other',
    );
  }
}

export function isOn(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}

/** Bytes: 512, 10k, 20MB, 1.5GiB. Undefined for what is no size. */
export function logSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.trunc(Number(digits) * 1024 ** ' kmgt'.indexOf(unit === '' ? ' ' : unit.toLowerCase()));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** RFC 5424, table 1; Docker's names. */
const facilities =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );

/** The facility as it stands in a priority: its number by eight. @throws OnggiError `invalid` */
export function facility(text: string): number {
  const number = text === '-' ? -1 : facilities.indexOf(text);
  const found = number >= 0 ? number : /^\d{1,2}$/.test(text) ? Number(text) : -1;
  if (found < 0 || found > 23) throw wrong('syslog-facility', text, 'a name or a number from 0 to 23');
  return found << 3;
}

function wrong(name: string, value: string, wanted: string): OnggiError {
  return new OnggiError('invalid', `log option ${name}: "${value}" is not ${wanted}`);
}
