/** Sends answers: with back pressure, with a limit on how long a client may take nothing, and to HEAD without a body. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer, Stream } from './answer.ts';

/** Bytes of an unread body that are taken in for the sake of the connection, and the time for it in milliseconds. */
const drained = 1 << 20;
const drainTime = 2000;

export type SendLimits = {
  /** Milliseconds in which a client must take something. */
  readonly stall: number;
};

/** Never rejects: what goes wrong here can't be answered any more. @returns bytes of the body that were handed over */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  limits: SendLimits,
): Promise<number> {
  const { status, body } = answer;
  const length = body === null ? 0 : body.length;
  const headers: Record<string, string | number> = {
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  };
  if (status !== 204 && status !== 304) headers['content-length'] = length;
  if (!(await isRead(request))) headers['connection'] = 'close';
  if (response.destroyed) return 0;
  if (body === null || request.method === 'HEAD' || status === 304) {
    response.writeHead(status, headers).end();
    return 0;
  }
  if (!('open' in body)) {
    response.writeHead(status, headers).end(body);
    return length;
  }
  return await sendStream(response, status, headers, body, limits);
}

async function sendStream(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
  stream: Stream,
  limits: SendLimits,
): Promise<number> {
  let sent = 0;
  try {
    response.writeHead(status, headers);
    for await (const piece of stream.open()) {
      if (response.destroyed) return sent;
      sent += piece.length;
      if (!response.write(piece) && !(await drain(response, limits.stall))) return sent;
    }
    response.end();
  } catch {
    // Less than was announced: only a broken connection tells the client.
    response.destroy();
  }
  return sent;
}

/** @returns whether there is room again; false when the client is gone or took nothing for too long */
function drain(response: ServerResponse, stall: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (room: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      response.off('close', onClose);
      if (!room) response.destroy();
      resolve(room);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = setTimeout(onClose, stall);
    response.on('drain', onDrain);
    response.on('close', onClose);
  });
}

/**
 * Whether the request's body came to its end. A short rest is taken in, so that the connection can be used again and
 * the client reads the answer before it sees a connection closed.
 */
function isRead(request: IncomingMessage): Promise<boolean> {
  const { headers } = request;
  const length = Number(headers['content-length'] ?? 0);
  const none = headers['transfer-encoding'] === undefined && length === 0;
  if (none || request.complete) return Promise.resolve(true);
  if (request.destroyed || length > drained || headers.expect !== undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    let size = 0;
    const settle = (read: boolean): void => {
      clearTimeout(timer);
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onClose);
      resolve(read);
    };
    const onData = (piece: Uint8Array): void => {
      size += piece.length;
      if (size > drained) settle(false);
    };
    const onEnd = (): void => settle(true);
    const onClose = (): void => settle(request.complete);
    const timer = setTimeout(() => settle(false), drainTime);
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onClose);
    request.resume();
  });
}
