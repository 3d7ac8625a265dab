import { defineCommand, toggle } from '../definition.ts';
import { interruptible } from '../interrupt.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST',
  positionals: { min: 1, max: 1 },
  flags: {
    insecure: toggle('Allow push to an insecure registry'),
    purge: toggle('Remove the local manifest list after push', { short: 'p' }),
  },
  async run({ flags: { insecure, purge }, args: [list = ''], context }) {
    const engine = await context.engine();
    const digest = await interruptible(context, 'manifest push', (signal) =>
      engine.manifestLists.push(list, { insecure, signal }),
    );
    if (purge) await engine.manifestLists.remove(list);
    context.stdout.print(`${digest}\n`);
    return 0;
  },
});
