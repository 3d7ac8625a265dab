import { execInContainer } from '../../../bundle/exec.ts';
import { parseSubCgroup } from '../../../bundle/exec-cgroup.ts';
import { execProcess, parseUser } from '../../../bundle/exec-process.ts';
import { prepareEnd } from '../../../bundle/process-end.ts';
import type { Process } from '../../../oci/runtime-spec.ts';
import { asIs, list, single, toggle } from '../../definition.ts';
import { proxied, signalNumber } from '../../signals.ts';
import { integer } from '../../value/number.ts';
import { defineRuntimeCommand } from '../definition.ts';
import { statusOfExit } from '../exit-status.ts';
import { consoleSocketFlag, pidFileFlag, preserveFdsFlag } from '../make-flags.ts';

const flags = {
  'console-socket': consoleSocketFlag,
  cwd: single('directory', asIs, 'current working directory in the container'),
  env: list('NAME=value', asIs, 'set environment variables', { short: 'e' }),
  tty: toggle('allocate a pseudo-TTY', { short: 't' }),
  user: single('uid[:gid]', (text) => (text === '' ? undefined : parseUser(text)), 'UID (format: <uid>[:<gid>])', {
    short: 'u',
  }),
  'additional-gids': list('gid', integer(0, 0xffff_fffe), 'additional gids', { short: 'g' }),
  process: single('file', asIs, 'path to the process.json', { short: 'p' }),
  detach: toggle("detach from the container's process", { short: 'd' }),
  'pid-file': pidFileFlag,
  'process-label': single('label', asIs, 'set the SELinux label of the process'),
  apparmor: single('profile', asIs, 'set the apparmor profile of the process'),
  'no-new-privs': toggle('set the no new privileges value for the process'),
  cap: list('capability', asIs, 'add a capability to the bounding set of the process', { short: 'c' }),
  'preserve-fds': preserveFdsFlag,
  cgroup: list('cgroup', parseSubCgroup, 'run the process in an (existing) sub-cgroup; format [<controller>:]<cgroup>'),
  'ignore-paused': toggle('allow exec in a paused container'),
} as const;

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id> <command> [command options]  || -p process.json <container-id>',
  positionals: { min: 1, max: null },
  interspersed: false,
  failing: 'exec failed',
  // The one status of runc that is not 1: any other could be the command's own.
  failure: 255,
  description: `Executes a command in a container, as a process like the one of config.json but for
what the flags say, or as the one that process.json describes. Ends with the status
of the command, or 128 and the number of the signal that killed it; with 255 when
the command could not be executed.`,
  flags,
  async run({ flags, given, args: [id = '', ...args], context }) {
    const described = flags.process ? await processOf(flags.process) : undefined;
    const process = (container: Process): Process =>
      described ??
      execProcess(container, {
        args,
        terminal: flags.tty,
        env: flags.env,
        // Empty is as not given, as with runc: scripts pass what they have.
        cwd: flags.cwd || undefined,
        user: flags.user,
        additionalGids: flags['additional-gids'],
        capabilities: flags.cap,
        noNewPrivileges: given.has('no-new-privs') ? flags['no-new-privs'] : undefined,
        apparmorProfile: flags.apparmor || undefined,
        selinuxLabel: flags['process-label'] || undefined,
      });
    const report = await execInContainer(context.runtime, id, {
      process,
      terminal: described === undefined ? flags.tty : described.terminal === true,
      detach: flags.detach,
      waiting: prepareEnd,
      consoleSocket: flags['console-socket'] || undefined,
      pidFile: flags['pid-file'] || undefined,
      preserveFds: flags['preserve-fds'] ?? 0,
      cgroups: flags.cgroup,
      ignorePaused: flags['ignore-paused'],
      signals: proxied.map(signalNumber),
      env: context.env,
    });
    return report === undefined ? 0 : statusOfExit(report);
  },
});

/** The file is checked as a config.json is, by modules that the flags do without. */
async function processOf(path: string): Promise<Process> {
  const { readProcess } = await import('../../../bundle/process-file.ts');
  return readProcess(path);
}
