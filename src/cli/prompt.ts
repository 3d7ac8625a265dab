/** Questions on the terminal: a line of text, shown as it is typed or not at all. */
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';

export type Prompt = Disposable & {
  /** @throws OnggiError `cancelled` on Ctrl-C, or when the input ends */
  ask(question: string, options: { readonly echo: boolean }): Promise<string>;
};

const [interrupt, endOfInput, backspace, newline, carriageReturn, escapeKey, erase] = [3, 4, 8, 10, 13, 27, 127];

/** The terminal is in raw mode until the prompt is disposed of. */
export async function openPrompt(context: Context): Promise<Prompt> {
  const raw = await context.stdin.raw();
  const chunks = context.stdin.chunks()[Symbol.asyncIterator]();
  let typed: Uint8Array = new Uint8Array();
  const nextByte = async (): Promise<number> => {
    while (typed.length === 0) {
      const next = await chunks.next();
      if (next.done === true) throw cancelled();
      typed = next.value;
    }
    const [byte = 0] = typed;
    typed = typed.subarray(1);
    return byte;
  };
  return {
    async ask(question, { echo }) {
      context.stderr.print(question);
      const line: number[] = [];
      for (;;) {
        const byte = await nextByte();
        if (byte === newline || byte === carriageReturn) break;
        if (byte === interrupt || (byte === endOfInput && line.length === 0)) {
          context.stderr.print('\r\n');
          throw cancelled();
        }
        if (byte === backspace || byte === erase) {
          const wide = removeLast(line);
          if (wide && echo) context.stderr.print('\b \b');
        } else if (byte >= 32 && byte !== escapeKey) {
          line.push(byte);
          // A character of several bytes is shown when it is whole.
          const text = Buffer.from(line).toString();
          if (echo && !text.endsWith('\ufffd')) context.stderr.print([...text].at(-1) ?? '');
        }
      }
      context.stderr.print('\r\n');
      return Buffer.from(line).toString();
    },
    [Symbol.dispose]: () => raw[Symbol.dispose](),
  };
}

/** Takes the last character off, with all its bytes. @returns whether there was one */
function removeLast(line: number[]): boolean {
  const had = line.length > 0;
  while (((line.pop() ?? 0) & 0xc0) === 0x80);
  return had;
}

function cancelled(): OnggiError {
  return new OnggiError('cancelled', 'given up at the prompt');
}
