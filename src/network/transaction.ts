/** Requests to the kernel with their answers: what was refused becomes an error that names the message. */
import { fromSystemError, OnggiError } from '../errors.ts';
import type { NetlinkSocket } from '../kernel/netlink-socket.ts';
import { errnoName } from '../oci/errno.ts';
import {
  doneType,
  encodeMessages,
  errorType,
  flags,
  interruptedFlag,
  type Message,
  parseError,
  parseMessages,
  type ReceivedMessage,
  type Refusal,
} from './netlink-message.ts';

/** The kernel's refusal as a system error, whose `code` is the errno word. */
function systemError({ errno, text }: Refusal): Error & { readonly code: string } {
  const code = errnoName(errno);
  return Object.assign(new Error(text === '' ? code : `${code}, ${text}`), { code });
}

/** What was refused, in the order of the answers. */
export type Refused = { readonly message: Message; readonly error: OnggiError; readonly errno: string };

export type Answers = {
  /** Everything that is no acknowledgement, no error and no end of a dump. */
  readonly replies: readonly ReceivedMessage[];
  readonly refused: readonly Refused[];
};

/** More changes than this during one listing are not an accident. */
const attempts = 20;

/** The replies to a request; a listing that was interrupted by a change is asked for again. */
function ask(socket: NetlinkSocket, messages: readonly Message[]): ReceivedMessage[] {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const received = socket.transact(encodeMessages(messages).bytes).flatMap(parseMessages);
    const lists = messages.some((message) => (message.flags & flags.dump) === flags.dump);
    if (!lists || received.every((reply) => (reply.flags & interruptedFlag) === 0)) return received;
  }
  const what = messages.map((message) => message.what).join(', ');
  throw new OnggiError('unavailable', `${what}: it changed ${attempts} times while it was listed`);
}

/** Sends all messages in one datagram. Refusals are returned. */
export function exchange(socket: NetlinkSocket, messages: readonly Message[]): Answers {
  const received = ask(socket, messages);
  const replies: ReceivedMessage[] = [];
  const refused: Refused[] = [];
  for (const reply of received) {
    if (reply.type === doneType) continue;
    if (reply.type !== errorType) {
      replies.push(reply);
      continue;
    }
    const refusal = parseError(reply.payload);
    const message = messages[reply.sequence - 1];
    if (refusal.errno === 0 || message === undefined) continue;
    const cause = systemError(refusal);
    refused.push({ message, error: fromSystemError(cause, message.what), errno: cause.code });
  }
  return { replies, refused };
}

/** As `exchange`; throws the first refusal. */
export function transact(socket: NetlinkSocket, messages: readonly Message[]): readonly ReceivedMessage[] {
  const { replies, refused } = exchange(socket, messages);
  const first = refused[0];
  if (first !== undefined) throw first.error;
  return replies;
}
