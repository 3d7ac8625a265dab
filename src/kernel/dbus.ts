/** A connection to a message bus, or to a program that speaks D-Bus on a socket of its own (D-Bus Specification 0.43). */
import { connect, type Socket } from 'node:net';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { type DbusMessage, type DbusValue, decodeMessage, encodeMessage, messageTypes } from './dbus-message.ts';
import { currentMaps } from './user-namespace.ts';

export type DbusCall = {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly DbusValue[];
};

export interface DbusConnection extends Disposable {
  /**
   * @returns the body of the reply
   * @throws DbusRefusal when the other side answers with an error; OnggiError `unavailable` when it goes away or is silent
   */
  call(request: DbusCall): Promise<readonly DbusValue[]>;
  /** Hears every signal that arrives from now on. @returns stops it */
  onSignal(listener: (signal: DbusMessage) => void): () => void;
}

/** An error reply: `name` ("org.freedesktop.systemd1.UnitExists") tells which. */
export type DbusRefusal = OnggiError & { readonly dbusError: string };

export function isDbusRefusal(error: unknown, name: string): boolean {
  return error instanceof OnggiError && Reflect.get(error, 'dbusError') === name;
}

/** Milliseconds for one reply. systemd does its work in between; a machine under load is slow. */
const patience = 30_000;

/**
 * Connects to a unix socket, as who runs this process (SASL mechanism EXTERNAL).
 *
 * @param bus false for a private socket of one program: nobody gives out names there
 * @throws OnggiError `not-found`, `denied`, `unavailable`
 */
export async function connectDbus(path: string, bus: boolean): Promise<DbusConnection> {
  const socket = await open(path);
  try {
    const rest = await authenticate(socket);
    const connection = connectionOver(socket, rest);
    if (bus) {
      const name = 'org.freedesktop.DBus';
      await connection.call({ destination: name, path: '/org/freedesktop/DBus', interface: name, member: 'Hello' });
    }
    return connection;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error) => {
      const missing = errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ECONNREFUSED';
      reject(
        missing
          ? new OnggiError('not-found', `nobody listens at "${path}"`, { cause: error })
          : fromSystemError(error, `connect to "${path}"`),
      );
    });
  });
}

/** As the other side sees it, when this is a user namespace and the other side is not in it. */
function outerUid(uid: number): number {
  const found = currentMaps().uids.find(({ containerId, size }) => uid >= containerId && uid < containerId + size);
  return found === undefined ? uid : found.hostId + uid - found.containerId;
}

/** @returns bytes that came after the answer */
function authenticate(socket: Socket): Promise<Buffer> {
  const user = Buffer.from(String(outerUid(process.geteuid?.() ?? 0))).toString('hex');
  return new Promise((resolve, reject) => {
    let text = Buffer.alloc(0);
    const timer = setTimeout(
      () => done(new OnggiError('unavailable', 'D-Bus: no answer to the authentication')),
      patience,
    );
    const done = (failure: OnggiError | undefined, rest = Buffer.alloc(0)): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.pause();
      if (failure === undefined) resolve(rest);
      else reject(failure);
    };
    socket.on('error', (error) => done(fromSystemError(error, 'D-Bus: authenticate')));
    socket.on('close', () => done(new OnggiError('denied', 'D-Bus: the other side hung up on the authentication')));
    socket.on('data', (chunk: Buffer) => {
      text = Buffer.concat([text, chunk]);
      const end = text.indexOf('\r\n');
      if (end === -1) {
        if (text.length > 4096) done(new OnggiError('corrupt', 'D-Bus: the answer to the authentication has no end'));
        return;
      }
      const answer = text.toString('latin1', 0, end);
      if (!answer.startsWith('OK '))
        return done(new OnggiError('denied', `D-Bus: authentication refused: "${answer}"`));
      done(undefined, text.subarray(end + 2));
    });
    // The first byte carries the credentials on systems where they must be sent. BEGIN does not wait for the answer: a
    // server that got it together with the first call would leave that call unread until the next one (systemd 252).
    socket.write(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
  });
}

type Waiting = {
  readonly resolve: (body: readonly DbusValue[]) => void;
  readonly reject: (error: OnggiError) => void;
  readonly what: string;
};

function connectionOver(socket: Socket, rest: Buffer): DbusConnection {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(signal: DbusMessage) => void>();
  let serial = 0;
  let pending = rest;
  let ended: OnggiError | undefined;
  const end = (why: OnggiError): void => {
    ended ??= why;
    socket.destroy();
    for (const [, { reject }] of waiting) reject(ended);
    waiting.clear();
  };
  const take = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk]);
    try {
      for (let next = decodeMessage(pending); next !== undefined; next = decodeMessage(pending)) {
        pending = pending.subarray(next.length);
        deliver(next.message);
      }
    } catch (error) {
      end(fromSystemError(error, 'D-Bus: read a message'));
    }
  };
  const deliver = (message: DbusMessage): void => {
    if (message.type === messageTypes.signal) for (const listener of listeners) listener(message);
    const waiter = waiting.get(message.replySerial ?? 0);
    if (waiter === undefined) return;
    waiting.delete(message.replySerial ?? 0);
    if (message.type === messageTypes.error) waiter.reject(refusal(message, waiter.what));
    else waiter.resolve(message.body);
  };
  socket.on('data', take);
  socket.on('error', (error) => end(fromSystemError(error, 'D-Bus: talk to the bus')));
  socket.on('close', () => end(new OnggiError('unavailable', 'D-Bus: the other side went away')));
  socket.resume();
  return {
    call({ signature = '', body = [], ...header }) {
      serial++;
      const message = encodeMessage({ type: messageTypes.call, serial, ...header, signature, body });
      return answer(serial, header.member, () => socket.write(message));
    },
    onSignal(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    [Symbol.dispose]: () => end(new OnggiError('cancelled', 'D-Bus: the connection was closed')),
  };

  function answer(of: number, what: string, send: () => void): Promise<readonly DbusValue[]> {
    return new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      const timer = setTimeout(() => {
        waiting.delete(of);
        reject(new OnggiError('unavailable', `D-Bus: no answer to "${what}" within ${patience / 1000} s`));
      }, patience);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      waiting.set(of, { resolve: settle(resolve), reject: settle(reject), what });
      send();
    });
  }
}

/** By the names that stand for something of ours; all others are the other side's own. */
const codesOfErrors: Readonly<Record<string, 'denied' | 'not-found' | 'exists' | 'invalid' | 'unavailable'>> = {
  'org.freedesktop.DBus.Error.AccessDenied': 'denied',
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired': 'denied',
  'org.freedesktop.DBus.Error.InvalidArgs': 'invalid',
  'org.freedesktop.DBus.Error.PropertyReadOnly': 'invalid',
  'org.freedesktop.DBus.Error.ServiceUnknown': 'unavailable',
  'org.freedesktop.systemd1.NoSuchUnit': 'not-found',
  'org.freedesktop.systemd1.UnitExists': 'exists',
};

function refusal(message: DbusMessage, what: string): DbusRefusal {
  const name = message.errorName ?? '';
  const [text] = message.body;
  const found = typeof text === 'string' ? `${name}: ${text}` : name;
  return Object.assign(new OnggiError(codesOfErrors[name] ?? 'conflict', `D-Bus: "${what}" refused: ${found}`), {
    dbusError: name,
  });
}
