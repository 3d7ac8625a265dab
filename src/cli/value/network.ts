/** `--network`. Pure. */
import type { NetworkMode } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';

/** @throws OnggiError `unsupported` for networks of the user's own and those of other containers */
export function parseNetwork(text: string): NetworkMode {
  if (text === 'default') return 'bridge';
  if (text === 'none' || text === 'host' || text === 'bridge') return text;
  if (text === '') throw new OnggiError('invalid', 'empty network name', { hint: 'There are bridge, host and none.' });
  throw unsupported(`network '${text}'`, 'There are bridge, host and none.');
}
