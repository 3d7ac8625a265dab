/** The field "process" of config.json (config.md, "Process"). */
import { id, path, unsigned64, word } from './runtime-schema-words.ts';
import type { Capabilities, Process, Rlimit, Scheduler, User } from './runtime-spec.ts';
import { boolean, type Check, integer, list, mismatch, object, passedOver, text } from './schema.ts';

/** MAX_ARG_STRLEN of execve(2) is 32 pages with the NUL. */
const argument = text(131_071);
export const commandWords = list(argument, 100_000);

/**
 * "NAME=value" (config.md: the semantics of IEEE Std 1003.1 `environ`). An entry without a name would be found by no
 * getenv(3) and, written before another one, is how a variable gets smuggled past a filter.
 */
const variable: Check<string> = (value, at) => {
  const entry = argument(value, at);
  return entry.indexOf('=') > 0 ? entry : mismatch(at, entry.split('=')[0], 'of the form NAME=value');
};
export const environment = list(variable, 100_000);

const user: Check<User> = object<User>(
  { uid: id, gid: id },
  { umask: integer(0, 0o777), additionalGids: list(id, 1024), username: passedOver },
);

const names = list(word, 1000);
const capabilities: Check<Capabilities> = object<Capabilities>(
  {},
  { bounding: names, effective: names, inheritable: names, permitted: names, ambient: names },
);

const rlimit: Check<Rlimit> = object<Rlimit>({ type: word, soft: unsigned64, hard: unsigned64 }, {});

const scheduler: Check<Scheduler> = object<Scheduler>(
  { policy: word },
  {
    nice: integer(-20, 19),
    priority: integer(0, 99),
    flags: list(word, 64),
    runtime: unsigned64,
    deadline: unsigned64,
    period: unsigned64,
  },
);

export const process: Check<Process> = object<Process>(
  { user, cwd: path },
  {
    terminal: boolean,
    // struct winsize holds 16 bits of each.
    consoleSize: object<NonNullable<Process['consoleSize']>>(
      { height: integer(0, 0xffff), width: integer(0, 0xffff) },
      {},
    ),
    args: commandWords,
    env: environment,
    capabilities,
    rlimits: list(rlimit, 100),
    noNewPrivileges: boolean,
    oomScoreAdj: integer(-1000, 1000),
    apparmorProfile: word,
    selinuxLabel: word,
    scheduler,
    ioPriority: object<NonNullable<Process['ioPriority']>>({ class: word, priority: integer(0, 7) }, {}),
    execCPUAffinity: object<NonNullable<Process['execCPUAffinity']>>({}, { initial: word, final: word }),
  },
);
