/**
 * launcher-driver.ts PLAN: runs an encoded plan in the foreground, on its own stdio, as `onggi-runtime run` does.
 * The last line on stderr is "error: ..." when it can't.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { OnggiError } from '../../src/errors.ts';
import { launch } from '../../src/kernel/launcher.ts';

const [, , path = ''] = process.argv;

try {
  using launched = launch({
    id: 'driven',
    plan: readFileSync(path),
    stdio: [0, 1, 2],
    stay: true,
    preserve: [],
    failed: ({ text, errno }) => new OnggiError('internal', `${text}: ${errno}`),
    warn: () => {},
  });
  const { pid } = launched.created();
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    process.on(signal, () => launched.signal(constants.signals[signal]));
  }
  launched.start();
  if (process.env['TELL_PID'] !== undefined) console.error(`pid ${pid}`);
  process.exitCode = (await launched.exited()).exitCode;
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 125;
}
