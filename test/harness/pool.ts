/** Many programs at a time, never more than so many. */
import { spawn } from 'node:child_process';

export type PoolCommand = { readonly argv: readonly string[]; readonly env?: Readonly<Record<string, string>> };

export type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** @returns what each did, in their order */
export async function runPool(commands: readonly PoolCommand[], width: number): Promise<Ran[]> {
  const results: Ran[] = new Array(commands.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < commands.length; index = next++) {
      const command = commands[index];
      if (command !== undefined) results[index] = await runOne(command);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, commands.length) }, worker));
  return results;
}

/** @throws Error with what the first that failed has said */
export async function mustPool(commands: readonly PoolCommand[], width: number): Promise<string[]> {
  const results = await runPool(commands, width);
  const failed = results.findIndex(({ status }) => status !== 0);
  if (failed !== -1) throw new Error(`${commands[failed]?.argv.join(' ')}: ${results[failed]?.stderr}`);
  return results.map(({ stdout }) => stdout.trim());
}

function runOne({ argv: [program = '', ...args], env }: PoolCommand): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
