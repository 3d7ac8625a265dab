import { prepareEnd } from '../../engine/process-end.ts';
import type { ExecOptions } from '../../engine/types.ts';
import { tellDetached } from '../attach.ts';
import { detachKeysFlag } from '../attach-flags.ts';
import { readAssignments } from '../container-facts.ts';
import { asIs, defineCommand, latestFlag, list, single, toggle } from '../definition.ts';
import { defaultDetachKeys } from '../detach-keys.ts';
import { inheritedDescriptors, preserveFdsFlag } from '../preserve.ts';
import { relay, statusOf } from '../relay.ts';
import { checkTerminal } from '../terminal-check.ts';
import { parseAssignment, resolveEnvironment } from '../value/environment.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  tellsOfCommand: true,
  positionals: { min: 2, max: null },
  interspersed: false,
  completes: 'running',
  latest: 'first',
  flags: {
    latest: latestFlag,
    detach: toggle('Run the command in the background', { short: 'd' }),
    'detach-keys': detachKeysFlag,
    env: list('list', parseAssignment, "Set NAME=VALUE, or NAME to pass on the caller's value", { short: 'e' }),
    'env-file': list('file', asIs, 'Read environment variables from a file, one a line'),
    interactive: toggle('Keep standard input open', { short: 'i' }),
    'preserve-fds': preserveFdsFlag,
    privileged: toggle('Give the command all privileges'),
    tty: toggle('Give the command a terminal', { short: 't' }),
    user: single('string', asIs, 'User and group: NAME|UID[:GROUP|GID]', { short: 'u' }),
    workdir: single('string', asIs, 'Working directory', { short: 'w' }),
  },
  examples: [{ line: 'exec -it web sh', says: 'A shell in a running container' }],
  async run({ flags, args: [ref = '', ...words], context }) {
    const preserve = flags['preserve-fds'] ?? 0;
    const inherit = preserve === 0 ? undefined : await inheritedDescriptors(preserve, context);
    const stdin = flags.interactive && !flags.detach;
    checkTerminal(context, stdin, flags.tty && !flags.detach);
    const ofFiles = readAssignments(flags['env-file'], context.directory);
    const size = flags.tty ? context.stdout.size() : undefined;
    const options: ExecOptions = {
      command: words,
      env: resolveEnvironment(ofFiles, flags.env, context.env),
      terminal: flags.tty,
      stdin,
      privileged: flags.privileged,
      ...(!flags.detach && { waiting: prepareEnd }),
      ...(flags.user !== undefined && { user: flags.user }),
      ...(flags.workdir !== undefined && { workingDir: flags.workdir }),
      ...(size !== undefined && { consoleSize: size }),
      ...(inherit !== undefined && { inherit }),
    };
    const engine = await context.engine();
    if (flags.detach) {
      await engine.containers.execDetached(ref, options);
      return 0;
    }
    const end = await relay(await engine.containers.exec(ref, options), context, {
      stdin,
      stdout: true,
      stderr: true,
      terminal: flags.tty,
      // As in Docker: a signal to this process is not one to the command.
      signalProxy: false,
      detachKeys: flags['detach-keys'] ?? defaultDetachKeys,
    });
    return statusOf(end, () => tellDetached(context));
  },
});
