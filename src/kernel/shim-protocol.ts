/**
 * What the shim may say when, as a table (the diagram stands in `native/shim/protocol.h`). Pure.
 *
 * The client's states: `greeted` (HELLO sent, nothing heard), the shim's own states, `failed` (a step failed, the exit
 * is still to come) and `ended`.
 */
import { OnggiError } from '../errors.ts';
import type { ShimEvent, ShimState } from './frame.ts';

export type ClientState = 'greeted' | ShimState | 'failed' | 'ended';

type Message = 'warn' | 'health' | 'output' | 'fail' | 'exit' | ShimState;

/**
 * Absent is a violation. The first answer is a status, which a client that comes late gets in any state. Output may
 * precede `running`: the shim learns of a successful exec by a closed pipe, and of output by another.
 */
const table: Readonly<Record<ClientState, Readonly<Partial<Record<Message, ClientState>>>>> = {
  greeted: { creating: 'creating', created: 'created', running: 'running', exited: 'exited', warn: 'greeted' },
  creating: {
    warn: 'creating',
    output: 'creating',
    created: 'created',
    running: 'running',
    exited: 'exited',
    fail: 'failed',
    exit: 'ended',
  },
  created: { warn: 'created', output: 'created', running: 'running', exited: 'exited', fail: 'failed', exit: 'ended' },
  running: { warn: 'running', health: 'running', output: 'running', exited: 'exited', exit: 'ended' },
  exited: { warn: 'exited', output: 'exited', fail: 'failed', exit: 'ended' },
  failed: { warn: 'failed', output: 'failed', exited: 'failed', exit: 'ended' },
  ended: {},
};

function messageOf(event: ShimEvent): Message {
  return event.type === 'status' ? event.state : event.type;
}

/**
 * The state after an event.
 *
 * @throws OnggiError `corrupt` when the event is not due
 */
export function accept(state: ClientState, event: ShimEvent): ClientState {
  const message = messageOf(event);
  const next = table[state][message];
  if (next === undefined) throw new OnggiError('corrupt', `message of the shim: "${message}" while "${state}"`);
  return next;
}
