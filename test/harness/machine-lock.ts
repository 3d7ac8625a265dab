/**
 * One test at a time on the machine: leaks are found by comparing what the whole machine has before and after, so two
 * test processes must not overlap. The lock is the name of an abstract socket (unix(7)): the kernel frees it when its
 * holder dies, whatever the way.
 */
import { createServer } from 'node:net';
import { pause } from './program.ts';

const name = '\0onggi-system-test';

/** Waits for the lock and holds it until this process ends; a second call returns at once. */
export async function lockMachine(): Promise<void> {
  locked ??= take();
  await locked;
}

let locked: Promise<void> | undefined;

async function take(): Promise<void> {
  for (let tries = 1; !(await tryTake()); tries += 1) {
    if (tries === 50) console.error('waiting for the system tests of another run on this machine');
    await pause(100);
  }
}

function tryTake(): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(name, () => {
      server.unref();
      resolve(true);
    });
  });
}
