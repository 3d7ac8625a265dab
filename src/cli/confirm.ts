/** The question before something is removed that nobody has named. */
import type { Context } from './context.ts';

/** Docker's words; anything but "y" or "yes" is a no, as is the end of input. */
export async function confirmed(warning: string, context: Context): Promise<boolean> {
  context.stdout.print(`${warning}\nAre you sure you want to continue? [y/N] `);
  let line = '';
  const decoder = new TextDecoder();
  for await (const chunk of context.stdin.chunks()) {
    line += decoder.decode(chunk, { stream: true });
    if (line.includes('\n')) break;
  }
  return /^y(?:es)?$/i.test(line.split('\n')[0]?.trim() ?? '');
}
