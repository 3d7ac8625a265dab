/**
 * `--sdnotify`: who tells the service manager that watches our caller (NOTIFY_SOCKET, sd_notify(3)) that the container is
 * ready, as Podman has it. The main process of the service is the shim. Acts.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError } from '../../errors.ts';
import { bindNotifySocket, type NotifySocket, sendNotification } from '../../kernel/notify-socket.ts';
import { isAlive, type ProcessIdentity, processStat } from '../../kernel/process-identity.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import type { Container } from '../container/container.ts';
import { readHealthStatus } from '../health/state.ts';

const inside = '/run/notify';
const socketName = 'notify.sock';
const pause = 100;

/** The manager's socket, if there is one and the container is to say something there. */
export function managerOf(
  { options: { sdnotify = 'ignore' } }: Pick<Container, 'options'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const address = env['NOTIFY_SOCKET'];
  // A path or an abstract name; anything else is for other kinds of sockets.
  return sdnotify !== 'ignore' && address !== undefined && /^[/@]/.test(address) ? address : undefined;
}

/** The specification with a socket of its own for a container that tells itself when it is ready. */
export function withNotifySocket(spec: Spec, container: Container): Spec {
  if (container.options.sdnotify !== 'container' || managerOf(container) === undefined) return spec;
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro'];
  const mount = { destination: inside, type: 'bind', source: container.files.notify, options };
  const { process: first, mounts = [] } = spec;
  const env = [...(first?.env ?? []), `NOTIFY_SOCKET=${inside}/${socketName}`];
  return { ...spec, mounts: [...mounts, mount], ...(first !== undefined && { process: { ...first, env } }) };
}

/** Listens to the container. Made before it is started, so that nothing it says is lost. */
export type ServiceNotice = Disposable & {
  /** Resolves when the manager has been told, or when the container has ended before. */
  tell(init: ProcessIdentity): Promise<void>;
};

/** @returns undefined where there is nobody to tell */
export function serviceNotice(container: Container): ServiceNotice | undefined {
  const address = managerOf(container);
  if (address === undefined) return undefined;
  const { sdnotify } = container.options;
  const socket = sdnotify === 'container' ? listen(container.files.notify) : undefined;
  const isReady = (): boolean => {
    if (socket !== undefined) return socket.receive(0)?.split('\n').includes('READY=1') === true;
    return sdnotify !== 'healthy' || readHealthStatus(container.files.health)?.status === 'healthy';
  };
  return {
    async tell(init) {
      using _ = socket;
      const shim = processStat(init.pid)?.parent;
      if (shim !== undefined) sendNotification(address, `MAINPID=${shim}\n`);
      for (let alive = true; alive; ) {
        alive = isAlive(init);
        // Also what it said right before its end.
        if (isReady()) return sendNotification(address, 'READY=1\n');
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    },
    [Symbol.dispose]() {
      socket?.[Symbol.dispose]();
    },
  };
}

function listen(directory: string): NotifySocket {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw fromSystemError(error, `make the directory "${directory}"`);
  }
  const path = join(directory, socketName);
  rmSync(path, { force: true });
  return bindNotifySocket(path);
}
