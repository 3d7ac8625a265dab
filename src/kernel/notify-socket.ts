/** Datagrams by which a service tells its manager that it is ready (sd_notify(3)). Acts. */
import { native } from './addon.ts';
import { ownDescriptor } from './descriptor.ts';
import { socketAddress } from './socket-address.ts';

export type NotifySocket = Disposable & {
  /** The next message; undefined when none comes in that many milliseconds. Blocks. */
  receive(timeout: number): string | undefined;
};

/** @param path in an existing directory; nothing may be there yet */
export function bindNotifySocket(path: string): NotifySocket {
  using address = socketAddress(path);
  const socket = native(`listen on "${path}"`, (calls) => ownDescriptor(calls.bindDatagrams(address.path)));
  return {
    receive(timeout) {
      const bytes = native(`read from "${path}"`, (calls) => calls.receiveDatagram(socket.fd, timeout));
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** @param path of a socket, or an abstract name after "@" */
export function sendNotification(path: string, message: string): void {
  using address = path.startsWith('@') ? { path, [Symbol.dispose]() {} } : socketAddress(path);
  native(`send to "${path}"`, (calls) => calls.sendDatagram(address.path, new TextEncoder().encode(message)));
}
