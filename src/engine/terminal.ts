/** For faces that pass the user's keys on to a session. */
export { rawTerminal } from '../kernel/terminal.ts';
