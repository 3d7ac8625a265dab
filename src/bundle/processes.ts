/** For its face: the processes of a container as ps(1) shows them. */
export { showProcesses } from '../runtime/process-table.ts';
