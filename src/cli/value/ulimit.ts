/** `--ulimit NAME=SOFT[:HARD]`. Pure. */
import type { Ulimit } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

/** Names of setrlimit(2) without RLIMIT_, as Docker spells them. */
const names = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** -1 is unlimited; without a hard limit it is the soft one. @throws OnggiError `invalid` with Docker's words */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf('=');
  if (equals < 0) throw new OnggiError('invalid', `invalid ulimit argument: ${text}`);
  const name = text.slice(0, equals);
  if (!names.includes(name)) throw new OnggiError('invalid', `invalid ulimit type: ${name}`);
  const values = text.slice(equals + 1).split(':');
  if (values.length > 2) {
    const given = text.slice(equals + 1);
    throw new OnggiError('invalid', `too many limit value arguments - ${given}, can only have up to two, soft[:hard]`);
  }
  const soft = parseLimit(values[0] ?? '');
  const hard = values[1] === undefined ? soft : parseLimit(values[1]);
  if (hard !== -1n && (soft === -1n || soft > hard)) {
    throw new OnggiError('invalid', `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}

function parseLimit(text: string): bigint {
  if (!/^(?:-1|\d{1,19})$/.test(text)) throw new OnggiError('invalid', `'${text}' is not a limit: a number, or -1`);
  return BigInt(text);
}
