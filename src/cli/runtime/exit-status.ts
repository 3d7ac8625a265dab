/** The exit status of a foreground command: that of the process, or 128 and the signal that killed it. Pure. */
export function statusOfExit({ exitCode, signal }: { readonly exitCode: number; readonly signal: number }): number {
  return signal === 0 ? exitCode : 128 + signal;
}
