import { checkpointDirectoryFlag, checkpointPlace } from '../checkpoint-flags.ts';
import { defineCommand, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  positionals: { min: 2, max: 2 },
  completes: 'containers',
  flags: {
    'checkpoint-dir': checkpointDirectoryFlag,
    'leave-running': toggle('Leave the container running after checkpoint'),
  },
  async run({ flags, args: [ref = '', name = ''], context }) {
    const place = checkpointPlace(flags['checkpoint-dir'], context.directory);
    const engine = await context.engine();
    await engine.containers.checkpoint(ref, name, { ...place, leaveRunning: flags['leave-running'] });
    context.stdout.print(`${name}\n`);
    return 0;
  },
});
