import { checkpointDirectoryFlag, checkpointPlace } from '../checkpoint-flags.ts';
import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  positionals: { min: 2, max: 2 },
  completes: 'containers',
  flags: { 'checkpoint-dir': checkpointDirectoryFlag },
  async run({ flags, args: [ref = '', name = ''], context }) {
    const place = checkpointPlace(flags['checkpoint-dir'], context.directory);
    const engine = await context.engine();
    await engine.containers.removeCheckpoint(ref, name, place);
    return 0;
  },
});
