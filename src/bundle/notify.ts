/**
 * NOTIFY_SOCKET (sd_notify(3)): a container whose caller is watched by a service manager can tell it that it is ready.
 * The container gets a socket of its own, and of what it says there only its readiness goes on to the manager: the
 * rest is between the manager and the caller, and the sender's pid means nothing to the manager. As runc does it. Acts.
 */
import { fromSystemError } from '../errors.ts';
import { bindNotifySocket, type NotifySocket, sendNotification } from '../kernel/notify-socket.ts';
import { makeDirectory, removeIfThere } from '../kernel/plain-file.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import type { ContainerPaths } from './paths.ts';

/** Where the container sees it, as with runc. */
const inside = '/run/notify';
const socketName = 'notify.sock';

/** The manager's socket, if somebody watches. */
export function notifyAddress(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const address = env['NOTIFY_SOCKET'];
  // sd_notify(3): a path or an abstract name; anything else is for other kinds of sockets.
  return address !== undefined && /^[/@]/.test(address) ? address : undefined;
}

/** The specification with the directory of the socket and its name. */
export function withNotify(spec: Spec, paths: ContainerPaths): Spec {
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro'];
  const mount = { destination: inside, type: 'bind', source: paths.notify, options };
  const { process, mounts = [] } = spec;
  const env = [...(process?.env ?? []), `NOTIFY_SOCKET=${inside}/${socketName}`];
  return { ...spec, mounts: [...mounts, mount], ...(process !== undefined && { process: { ...process, env } }) };
}

export function makeNotifyDirectory(paths: ContainerPaths): void {
  try {
    makeDirectory(paths.notify, 0o755);
  } catch (error) {
    throw fromSystemError(error, `make the directory "${paths.notify}"`);
  }
}

/** Listens to the container; before it is started, so that nothing it says is lost. */
export function listenToContainer(paths: ContainerPaths): NotifySocket {
  const path = `${paths.notify}/${socketName}`;
  removeIfThere(path);
  return bindNotifySocket(path);
}

const pause = 100;

/** Blocks until the container has told that it is ready, which is passed on, or until `alive` says that it has ended. */
export function awaitReady(socket: NotifySocket, address: string, pid: number, alive: () => boolean): void {
  for (let last = false; !passOn(socket.receive(last ? 0 : pause), address, pid); last = !alive()) if (last) return;
}

/** Does the same beside other things, until it is disposed of. */
export function passOnReady(socket: NotifySocket, address: string): Disposable {
  let ready = false;
  const look = (): void => {
    if (!ready) ready = passOn(socket.receive(0), address, undefined);
  };
  const timer = setInterval(look, pause);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      // What it said right before its end.
      look();
      socket[Symbol.dispose]();
    },
  };
}

/** @returns whether the message told that the container is ready */
function passOn(message: string | undefined, address: string, pid: number | undefined): boolean {
  const ready = message?.split('\n').find((line) => line.startsWith('READY='));
  if (ready === undefined) return false;
  sendNotification(address, pid === undefined ? `${ready}\n` : `${ready}\nMAINPID=${pid}\n`);
  return true;
}
