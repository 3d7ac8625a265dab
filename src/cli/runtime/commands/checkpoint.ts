import { isAbsolute } from 'node:path';
import { checkpointContainer } from '../../../bundle/checkpoint.ts';
import { parsePageServer } from '../../../criu/options.ts';
import { OnggiError } from '../../../errors.ts';
import { asIs, single, toggle } from '../../definition.ts';
import { integer } from '../../value/number.ts';
import { criuFlags, criuOptions } from '../criu-flags.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  failing: 'checkpoint failed',
  description: `Saves the state of a running container as files, with criu, and deletes the
container unless it is left running.`,
  flags: {
    ...criuFlags,
    'leave-running': toggle('leave the process running after checkpointing'),
    'pre-dump': toggle("dump container's memory information only, leave the container running after this"),
    'parent-path': single(
      'path',
      relativePath,
      'path of the images of an earlier pre-dump, relative to the image path',
    ),
    'page-server': single('address', parsePageServer, 'ADDRESS:PORT of the page server'),
    'status-fd': single('fd', integer(3, 1023), 'criu writes \\0 to this FD once lazy-pages is ready'),
  },
  async run({ flags, args: [id = ''], context }) {
    await checkpointContainer(context.runtime, id, {
      ...criuOptions(flags, process.cwd()),
      leaveRunning: flags['leave-running'],
      preDump: flags['pre-dump'],
      parent: flags['parent-path'] ?? null,
      pageServer: flags['page-server'] ?? null,
      statusFd: flags['status-fd'] ?? null,
    });
    return 0;
  },
});

/** As criu takes it: images must stay together when they are moved. */
function relativePath(text: string): string {
  if (isAbsolute(text)) throw new OnggiError('invalid', `--parent-path "${text}": not relative to the image path`);
  return asIs(text);
}
