import { OnggiError } from '../../errors.ts';
import { attachContainer } from '../attach.ts';
import { detachKeysFlag, signalProxyFlag } from '../attach-flags.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  flags: {
    attach: toggle('Show the output and pass signals on', { short: 'a' }),
    'detach-keys': detachKeysFlag,
    interactive: toggle('Pass on the input', { short: 'i' }),
    'sig-proxy': signalProxyFlag,
  },
  refused: { values: ['checkpoint', 'checkpoint-dir'] },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    const [first = '', ...more] = args;
    if (!flags.attach && !flags.interactive) {
      return await forEachRef(args, context, (ref) => engine.containers.start(ref));
    }
    if (more.length > 0) throw new OnggiError('invalid', 'you cannot start and attach multiple containers at once');
    return await attachContainer(first, context, {
      stdin: flags.interactive,
      signalProxy: flags['sig-proxy'],
      detachKeys: flags['detach-keys'],
      open: (stdin) => engine.containers.startAttached(first, { stdin }),
      detached: () => 0,
    });
  },
});
