/** Flags of the commands that attach the terminal. Pure data. */
import { single, toggle } from './definition.ts';
import { parseDetachKeys } from './detach-keys.ts';

export const detachKeysFlag = single('keys', parseDetachKeys, 'Keys that leave the container running', {
  shown: 'ctrl-p,ctrl-q',
  emptyIsAbsent: true,
});

export const signalProxyFlag = toggle('Pass signals on to the process', { initial: true });
