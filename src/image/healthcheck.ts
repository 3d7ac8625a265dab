/** HEALTHCHECK of a Dockerfile, as it is written into an image config. Pure. */
import { OnggiError } from '../errors.ts';
import { parseDuration } from '../oci/duration.ts';

const times: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/**
 * @param rest what follows the word: `NONE`, or `[--interval=30s ...] CMD command`
 * @param list the strings of a JSON list; undefined for what is none
 * @throws OnggiError `invalid`
 */
export function healthcheck(
  rest: string,
  list: (text: string) => string[] | undefined,
): Record<string, string[] | number> {
  const written = /^((?:--\S+\s+)*)(\S+)\s*([\s\S]*)$/.exec(rest.trim());
  const [, flags = '', kind = '', command = ''] = written ?? [];
  const settings = Object.fromEntries(
    flags
      .split(/\s+/)
      .filter((flag) => flag !== '')
      .map(settingOf),
  );
  if (kind.toUpperCase() === 'NONE' && command === '') {
    if (flags !== '') throw new OnggiError('invalid', 'HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (kind.toUpperCase() !== 'CMD') {
    throw new OnggiError('invalid', `HEALTHCHECK "${kind.slice(0, 100)}": unknown type (try CMD or NONE)`);
  }
  if (command === '') throw new OnggiError('invalid', 'HEALTHCHECK: missing command after HEALTHCHECK CMD');
  const words = list(command);
  return { Test: words === undefined ? ['CMD-SHELL', command] : ['CMD', ...words], ...settings };
}

function settingOf(flag: string): [string, number] {
  const [, name = '', value = ''] = /^--([a-z-]+)=(.*)$/.exec(flag) ?? [];
  if (name === 'retries' && /^\d{1,9}$/.test(value)) return ['Retries', Number(value)];
  const field = Object.hasOwn(times, name) ? times[name] : undefined;
  const milliseconds = field === undefined ? undefined : parseDuration(value);
  if (field === undefined || milliseconds === undefined || (milliseconds !== 0 && milliseconds < 1)) {
    throw new OnggiError(
      'invalid',
      `HEALTHCHECK "${flag.slice(0, 100)}": not --interval, --timeout, --start-period, --start-interval or --retries with a value`,
    );
  }
  return [field, Math.round(milliseconds * 1e6)];
}
