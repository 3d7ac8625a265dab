import type { ContainerOptions } from '../../engine/types.ts';
import { attachedNames, attachedStreams } from '../attached-streams.ts';
import { openCidFile } from '../cid-file.ts';
import { containerFacts } from '../container-facts.ts';
import { type ContainerFlags, containerFlags, refusedContainerFlags } from '../container-flags.ts';
import { containerOptions, containerWarnings } from '../container-options.ts';
import type { Context } from '../context.ts';
import { defineCommand } from '../definition.ts';
import { engineFailure } from '../failure.ts';
import { ensureImage } from '../pull.ts';
import { makeRoom } from '../run-flags/others.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  positionals: { min: 1, max: null },
  interspersed: false,
  completes: 'images',
  flags: containerFlags,
  refused: refusedContainerFlags,
  async run({ flags, args, context }) {
    const asked = optionsOf(flags, args, context);
    if (asked === undefined) return engineFailure;
    const engine = await context.engine();
    for (const warning of containerWarnings(flags)) context.stderr.print(`WARNING: ${warning}\n`);
    using cidFile = flags.cidfile === undefined ? undefined : openCidFile(flags.cidfile);
    const image = await ensureImage(
      asked.image,
      flags.rootfs ? 'none' : (flags.pull ?? 'missing'),
      { platform: flags.platform, quiet: flags.quiet },
      context,
    );
    const options = { ...asked, image, attached: attachedNames(attachedStreams(flags)) };
    await makeRoom(flags, options, engine);
    const { id } = await engine.containers.create(options);
    cidFile?.write(id);
    context.stdout.print(`${id}\n`);
    return 0;
  },
});

/** What is wrong with the command line alone ends with Docker's status for that, as a flag that can't be parsed does. */
function optionsOf(flags: ContainerFlags, args: readonly string[], context: Context): ContainerOptions | undefined {
  try {
    return containerOptions(flags, args, containerFacts(flags, context));
  } catch (error) {
    context.report(error);
    return undefined;
  }
}
