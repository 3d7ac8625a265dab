import { attachContainer, tellDetached } from '../attach.ts';
import { detachKeysFlag, signalProxyFlag } from '../attach-flags.ts';
import { defineCommand, latestFlag, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'running',
  latest: 'all',
  flags: {
    latest: latestFlag,
    'detach-keys': detachKeysFlag,
    'no-stdin': toggle('Leave the input alone'),
    'sig-proxy': signalProxyFlag,
  },
  async run({ flags, args: [ref = ''], context }) {
    const engine = await context.engine();
    return await attachContainer(ref, context, {
      stdin: !flags['no-stdin'],
      signalProxy: flags['sig-proxy'],
      detachKeys: flags['detach-keys'],
      open: (stdin) => engine.containers.attach(ref, { stdin }),
      detached: () => tellDetached(context),
    });
  },
});
