/** For faces that are a process of their own: how to end, soon and with the store left as it is, to begin again, to serve many. */
export { endProcess, execute, prepareEnd, raiseDescriptorLimit } from '../kernel/process-end.ts';
