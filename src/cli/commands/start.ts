import type { CheckpointRef, Inherited, Session } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { attachContainer } from '../attach.ts';
import { detachKeysFlag, signalProxyFlag } from '../attach-flags.ts';
import { checkpointDirectoryFlag, checkpointPlace } from '../checkpoint-flags.ts';
import type { EngineFace } from '../context.ts';
import { asIs, defineCommand, latestFlag, single, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { inheritedDescriptors } from '../preserve.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  everything: ['created', 'initialized', 'exited'],
  flags: {
    all: toggle('Start all that do not run'),
    latest: latestFlag,
    attach: toggle('Show the output and pass signals on', { short: 'a' }),
    checkpoint: single('string', asIs, 'Restore from this checkpoint'),
    'checkpoint-dir': checkpointDirectoryFlag,
    'detach-keys': detachKeysFlag,
    interactive: toggle('Pass on the input', { short: 'i' }),
    'sig-proxy': signalProxyFlag,
  },
  async run({ flags, args, context }) {
    const { checkpoint: name } = flags;
    const [first = '', ...more] = args;
    if (name === undefined && flags['checkpoint-dir'] !== undefined) {
      throw new OnggiError('invalid', '--checkpoint-dir: it needs --checkpoint');
    }
    if (name !== undefined && more.length > 0) {
      throw new OnggiError('invalid', 'you cannot restore multiple containers at once');
    }
    const place = checkpointPlace(flags['checkpoint-dir'], context.directory);
    const checkpoint = name === undefined ? undefined : { name, ...place };
    const inherit = await inheritedDescriptors(0, context);
    const engine = await context.engine();
    if (!flags.attach && !flags.interactive) {
      return await forEachRef(args, context, (ref) => engine.containers.start(ref, { checkpoint, inherit }));
    }
    if (more.length > 0) throw new OnggiError('invalid', 'you cannot start and attach multiple containers at once');
    return await attachContainer(first, context, {
      stdin: flags.interactive,
      signalProxy: flags['sig-proxy'],
      detachKeys: flags['detach-keys'],
      open: (stdin) => startOrAttach(engine, first, { stdin, checkpoint, inherit }),
      detached: () => 0,
    });
  },
});

/** As in Docker one that runs already is attached to. */
async function startOrAttach(
  { containers }: EngineFace,
  ref: string,
  options: {
    readonly stdin: boolean;
    readonly checkpoint: CheckpointRef | undefined;
    readonly inherit: Inherited | undefined;
  },
): Promise<Session> {
  try {
    return await containers.startAttached(ref, options);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'conflict') throw error;
    // Something else can be in the way, such as a container that it joins.
    if ((await containers.get(ref)).status !== 'running') throw error;
    return await containers.attach(ref, { stdin: options.stdin });
  }
}
