/** Where `run` and `create` have the output of a container logged. Pure. */
import { checkLogConfig, jsonFile } from '../../engine/log/log-config.ts';
import type { LogConfig, LogDriver } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { list, single, type Values } from '../definition.ts';
import type { Environment } from '../value/environment.ts';

export const logFlags = {
  'log-driver': single(
    'string',
    parseDriver,
    'Where the output goes: json-file, local, k8s-file, journald, syslog, fluentd, gelf, none or passthrough',
    { shown: 'json-file' },
  ),
  'log-opt': list('list', parseOption, 'Option of the log driver: max-size=10m, max-file=3, tag=NAME'),
} as const;

type LogFlags = Values<typeof logFlags>;

/** Those that the engine knows are checked together with their options. */
function parseDriver(text: string): LogDriver {
  return text as LogDriver;
}

function parseOption(text: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new OnggiError('invalid', `invalid logging option: "${text}" is not NAME=VALUE`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** @throws OnggiError `invalid` where driver and options don't go together */
export function logConfigOf(flags: LogFlags, environment: Environment): LogConfig | undefined {
  const named = flags['log-driver'] ?? environment['ONGGI_LOG_DRIVER'];
  const given = flags['log-opt'];
  if ((named === undefined || named === '') && given.length === 0) return undefined;
  const driver = named === undefined || named === '' ? jsonFile.driver : parseDriver(named);
  if (driver === 'none' && given.length > 0) {
    throw new OnggiError('invalid', 'invalid logging opts for driver none', { hint: 'Leave --log-opt out.' });
  }
  const config = { driver, options: Object.fromEntries(given.map(({ name, value }) => [name, value])) };
  checkLogConfig(config);
  return config;
}
