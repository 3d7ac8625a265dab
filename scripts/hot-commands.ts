/**
 * The commands whose start-up time counts, with the modules of src/ that each begins with or imports on its way: all
 * else follows from those by static imports. test/system/start-up.test.ts compares with what is really loaded.
 */
export const hotCommands: Readonly<Record<string, readonly string[]>> = {
  run: [
    'cli/program.ts',
    'cli/process-context.ts',
    'cli/commands/run.ts',
    'engine/index.ts',
    'engine/image/exists.ts',
    'engine/container/start.ts',
    'runtime/seccomp/filter.ts',
    'engine/process-end.ts',
  ],
  exec: [
    'cli/program.ts',
    'cli/process-context.ts',
    'cli/commands/exec.ts',
    'engine/index.ts',
    'engine/container/exec.ts',
    'engine/process-end.ts',
  ],
  ps: [
    'cli/program.ts',
    'cli/process-context.ts',
    'cli/commands/ps.ts',
    'engine/index.ts',
    'engine/listing/table.ts',
    'engine/process-end.ts',
  ],
  'runtime run': ['cli/runtime/program.ts', 'cli/runtime/world.ts', 'cli/runtime/commands/run.ts'],
  'runtime exec': ['cli/runtime/program.ts', 'cli/runtime/world.ts', 'cli/runtime/commands/exec.ts'],
};
