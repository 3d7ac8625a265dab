import { resolve } from 'node:path';
import { restoreContainer } from '../../../bundle/restore.ts';
import { asIs, single, toggle } from '../../definition.ts';
import { processSignals, proxied } from '../../signals.ts';
import { criuFlags, criuOptions } from '../criu-flags.ts';
import { defineRuntimeCommand } from '../definition.ts';
import { statusOfExit } from '../exit-status.ts';
import { consoleSocketFlag, pidFileFlag } from '../make-flags.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  failing: 'restore failed',
  description: `Restores the saved state of a container that "checkpoint" has written. Memory,
credentials and filters come from the images: restore only images you trust.`,
  flags: {
    ...criuFlags,
    bundle: single('directory', asIs, 'path to the root of the bundle directory, defaults to the current directory', {
      short: 'b',
    }),
    detach: toggle("detach from the container's process", { short: 'd' }),
    'pid-file': pidFileFlag,
    'console-socket': consoleSocketFlag,
    'no-subreaper': toggle('leave orphans of the container to another reaper, as is always done with --detach'),
    'no-pivot': toggle('accepted as always so: criu moves to the root by itself'),
    'lsm-profile': single('profile', asIs, 'LSM profile to be used during restore in the form of TYPE:NAME'),
    'lsm-mount-context': single('context', asIs, 'LSM mount context to be used during restore'),
  },
  async run({ flags, args: [id = ''], context }) {
    const restored = await restoreContainer(context.runtime, id, {
      ...criuOptions(flags, process.cwd()),
      bundle: resolve(flags.bundle || '.'),
      pidFile: flags['pid-file'] || undefined,
      consoleSocket: flags['console-socket'] || undefined,
      detach: flags.detach,
      lsmProfile: flags['lsm-profile'] || null,
      lsmMountContext: flags['lsm-mount-context'] || null,
    });
    if (restored === undefined) return 0;
    using _ = processSignals().on(proxied, restored.signal);
    return statusOfExit(await restored.ended());
  },
});
