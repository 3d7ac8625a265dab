/** `--network`. Pure. */
import type { NetworkMode } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { parseJoined } from './namespace.ts';

/** @throws OnggiError `unsupported` for networks of the user's own */
export function parseNetwork(text: string): NetworkMode {
  if (text === 'default') return 'bridge';
  if (text === 'none' || text === 'host' || text === 'bridge') return text;
  const joined = parseJoined(text);
  if (joined !== undefined) return joined;
  if (text === '')
    throw new OnggiError('invalid', 'empty network name', { hint: 'There are bridge, host, none and container:NAME.' });
  throw unsupported(`network '${text}'`, 'There are bridge, host and none.');
}
