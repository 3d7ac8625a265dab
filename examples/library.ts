/**
 * The engine inside a program: no daemon, no socket, nothing installed beside the package. Runs as root, the same under
 * Bun and under Node 24 or later.
 *
 *   node library.ts ROOTFS.TAR STORE     ROOTFS.TAR holds a root file system with a shell, STORE is any empty directory
 */
import { Engine, OnggiError } from 'onggi';

const [tar, root] = process.argv.slice(2);
if (tar === undefined || root === undefined) throw new Error('usage: library.ts ROOTFS.TAR STORE');

await using engine = Engine.open({ root, onWarning: ({ message }) => console.error(`warning: ${message}`) });
await engine.images.import(tar, 'example');

// Run a command, read what it prints, learn how it ended.
const { session } = await engine.containers.run({
  image: 'example',
  command: ['sh', '-c', 'echo "hello from $(hostname)"; exit 3'],
  hostname: 'jar',
  network: 'none',
  autoRemove: true,
});
let printed = '';
const decoder = new TextDecoder();
for await (const { bytes } of session.output) printed += decoder.decode(bytes, { stream: true });
const { exitCode } = await session.exit;
expect(printed === 'hello from jar\n' && exitCode === 3, `printed ${JSON.stringify(printed)}, ended with ${exitCode}`);

// A container in the background, with a limit; a command inside it.
const { id } = await engine.containers.create({
  image: 'example',
  name: 'worker',
  command: ['sleep', '600'],
  network: 'none',
  resources: { memory: 64 << 20, pidsLimit: 100 },
});
await engine.containers.start(id);
{
  await using inside = await engine.containers.exec('worker', { command: ['cat', '/proc/1/cmdline'] });
  let command = '';
  for await (const { bytes } of inside.output) command += new TextDecoder().decode(bytes);
  await inside.exit;
  expect(command === 'sleep\x00600\x00', `process 1 is ${JSON.stringify(command)}`);
}
const [running] = await engine.containers.list();
expect(running?.name === 'worker' && running.status === 'running', `listed ${JSON.stringify(running)}`);
await engine.containers.remove('worker', { force: true });

// Errors carry a code; nobody has to read the message.
try {
  await engine.containers.get('worker');
  expect(false, 'a removed container was found');
} catch (error) {
  expect(error instanceof OnggiError && error.code === 'not-found', String(error));
}

console.log('The library works.');

function expect(holds: boolean, found: string): void {
  if (!holds) throw new Error(`not as expected: ${found}`);
}
