/**
 * What the shims of a program that uses the library run at the end of a container: `node THIS-FILE ROOT ID`. The
 * `onggi` executable has its own command for that.
 */
import { Engine } from '../index.ts';

const [, , root, id, action] = process.argv;

async function main(): Promise<void> {
  if (root === undefined || id === undefined) return;
  await using engine = Engine.open({ root });
  if (action === 'stop') await engine.containers.stop(id);
  else if (action === 'restart') await engine.containers.restart(id);
  else await engine.reconcile(id);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `onggi: reconcile container "${id}": ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
