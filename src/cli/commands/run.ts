import type { ContainerOptions, Inherited } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { detachKeysFlag, signalProxyFlag } from '../attach-flags.ts';
import { attachedNames, attachedStreams, noStreams, type Streams } from '../attached-streams.ts';
import { type CidFile, openCidFile } from '../cid-file.ts';
import { containerFacts } from '../container-facts.ts';
import { containerFlags, refusedContainerFlags } from '../container-flags.ts';
import { containerOptions, containerWarnings } from '../container-options.ts';
import type { Context, EngineFace } from '../context.ts';
import { defineCommand, toggle, type Values } from '../definition.ts';
import { defaultDetachKeys } from '../detach-keys.ts';
import { engineFailure } from '../failure.ts';
import { visible } from '../format/visible.ts';
import { inheritedDescriptors, preserveFdsFlag } from '../preserve.ts';
import { ensureImage } from '../pull.ts';
import { relay, statusOf } from '../relay.ts';
import { makeRoom } from '../run-flags/others.ts';
import { checkPassthrough, terminalProblem } from '../terminal-check.ts';

const flags = {
  ...containerFlags,
  detach: toggle('Run in the background and print the ID of the container', { short: 'd' }),
  'detach-keys': detachKeysFlag,
  explain: toggle('Print the kernel steps that make the container instead of making it'),
  'preserve-fds': preserveFdsFlag,
  'sig-proxy': signalProxyFlag,
} as const;

type RunFlags = Values<typeof flags>;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  positionals: { min: 1, max: null },
  interspersed: false,
  failure: engineFailure,
  tellsOfCommand: true,
  completes: 'images',
  flags,
  refused: refusedContainerFlags,
  examples: [
    { line: 'run --rm -it alpine', says: 'A shell that leaves nothing behind' },
    { line: 'run -d --name web -p 8080:80 nginx', says: 'A server in the background, on port 8080 of this machine' },
    { line: 'run --rm -it host bash', says: 'A copy of this machine to try things on' },
  ],
  async run({ flags, args, context }) {
    if (flags.detach && flags.attach.length > 0) {
      // No fault of the engine, as in Docker, so not its status.
      context.report(new OnggiError('invalid', 'conflicting options: cannot specify both --attach and --detach'));
      return 1;
    }
    const inherit = await inheritedDescriptors(flags['preserve-fds'] ?? 0, context);
    const asked = containerOptions(flags, args, containerFacts(flags, context));
    const passthrough = asked.log?.driver === 'passthrough';
    if (passthrough) checkPassthrough(context);
    const engine = await context.engine();
    if (flags.explain) {
      context.stdout.print(visible(await engine.containers.explain(asked)));
      return 0;
    }
    const streams = passthrough ? noStreams : attachedStreams(flags);
    const problem = terminalProblem(context, streams.stdin && !flags.detach, flags.tty);
    if (problem !== undefined) {
      // As in Docker: no fault of the engine, so not its status.
      context.report(problem);
      return 1;
    }
    for (const warning of containerWarnings(flags)) context.stderr.print(`WARNING: ${warning}\n`);
    using cidFile = flags.cidfile === undefined ? undefined : openCidFile(flags.cidfile);
    const image = await ensureImage(
      asked.image,
      flags.rootfs ? 'none' : (flags.pull ?? 'missing'),
      { platform: flags.platform, quiet: flags.quiet },
      context,
    );
    const options = { ...asked, image, attached: flags.detach ? [] : attachedNames(streams) };
    await makeRoom(flags, options, engine);
    if (flags.detach) return await runDetached(options, inherit, engine, context, cidFile);
    return await runAttached(options, flags, { inherit, streams }, engine, context, cidFile);
  },
});

async function runDetached(
  options: ContainerOptions,
  inherit: Inherited | undefined,
  engine: EngineFace,
  context: Context,
  cidFile: CidFile | undefined,
): Promise<number> {
  const { id } = await engine.containers.create(options);
  cidFile?.write(id);
  try {
    await engine.containers.start(id, { inherit });
  } finally {
    // Also when it did not start: whoever keeps the ID can look at why.
    context.stdout.print(`${id}\n`);
  }
  return 0;
}

async function runAttached(
  options: ContainerOptions,
  flags: RunFlags,
  { inherit, streams }: { readonly inherit: Inherited | undefined; readonly streams: Streams },
  engine: EngineFace,
  context: Context,
  cidFile: CidFile | undefined,
): Promise<number> {
  const how = { stdin: options.stdin === true && streams.stdin, inherit, follow: true };
  // The file is written before the start: it names a container that fails to start, too.
  const startNoted = async () => {
    const { id } = await engine.containers.create(options);
    cidFile?.write(id);
    return await engine.containers.startAttached(id, how);
  };
  const session = cidFile === undefined ? (await engine.containers.run(options, how)).session : await startNoted();
  const end = await relay(session, context, {
    ...streams,
    terminal: flags.tty,
    signalProxy: flags['sig-proxy'],
    detachKeys: flags['detach-keys'] ?? defaultDetachKeys,
  });
  return statusOf(end, () => 0);
}
