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

/** As Docker shows it. The rest is checked by the engine. @throws OnggiError `invalid` */
export function parseMacAddress(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac) && !/^(?:.[13579bdf]|00:00:00:00:00:00)/.test(mac)) return mac;
  throw new OnggiError('invalid', `${text} is not a valid mac address`, {
    hint: 'Write six pairs of digits, such as 02:42:ac:11:00:02, the first of them even.',
  });
}
