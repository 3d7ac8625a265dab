/**
 * Makes an executable that Bun compiled deaf to the variables by which its caller could have it run other code:
 *
 *   node scripts/seal-executable.ts FILE
 *
 * BUN_OPTIONS names modules to load first, BUN_BE_BUN makes it an ordinary Bun, BUN_INSPECT opens a debugger,
 * BUN_BYTECODE_ORDER_OUT and its like name files to be written over at the end, BUN_CRASH_REPORT_URL and
 * BUN_ENABLE_CRASH_REPORTING have the first curl on the path send a report of a crash away, and options of
 * JavaScriptCore (BUN_JSC_…) name files with other bodies for functions, and directories to write to. Bun has no switch
 * against them, and they are read before the first line of the program. sudo(8) takes LD_PRELOAD out of any environment;
 * these it does not know. All of them are C strings in the executable. Fails when one of them is not there, for then it
 * is read in some other way.
 *
 * It has JavaScriptCore run without its just-in-time compiler, too, unless JavaScriptCoreUseJIT says otherwise: most of our
 * commands are over before the compiler is of use, and what it prepares for itself takes each of them 1 to 2 ms, a tenth
 * of an exec. What is worth compiling begins again with that variable (src/cli/program.ts). And a process of root has no
 * memory that can be both written and executed.
 *
 * It also has the executable leave its limits alone. Bun raises the soft RLIMIT_NOFILE to the hard one before anything
 * else and forgets what it was; containers without a limit of their own, which get the caller's with runc and crun,
 * would have a higher one, and a program that closes or scans all descriptors up to it takes seconds.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Looked up with getenv(3), which finds no name that is empty. */
const variables = [
  'BUN_OPTIONS',
  'BUN_BE_BUN',
  'BUN_INSPECT',
  'BUN_INSPECT_CONNECT_TO',
  'BUN_INSPECT_PRELOAD',
  'BUN_BYTECODE_DIGEST_OUT',
  'BUN_BYTECODE_ORDER_OUT',
  'BUN_BYTECODE_ORDER_NAMES_OUT',
  'BUN_CRASH_REPORT_URL',
  'BUN_ENABLE_CRASH_REPORTING',
];

/**
 * Compared with what stands before the first "=" of a setting, so that one is never in it. These are all options with
 * text for a value (BUN_JSC_dumpOptions=2 lists them; the test of the environment looks whether one is left), and the
 * switches that write files or listen without one.
 */
const options = [
  ...['airGreedyRegAllocDumpFunction', 'bbqAllowlist', 'configFile', 'dfgAllowlist', 'diskCachePath'],
  ...['dumpGraphAllowlist', 'dumpJITMemoryPath', 'dumpWasmSourceFileName', 'ftlAllowlist', 'functionOverrides'],
  ...['fuzzerPredictionsFile', 'ionGraphDirectory', 'irDumpDirectory', 'jitAllowlist', 'jitDumpDirectory'],
  ...['loopUnrollingAllowlist', 'omgAllowlist', 'samplingProfilerPath', 'sourceCodeDumpDirectory'],
  ...['textMarkersDirectory', 'wasmOMGFunctionsToDump'],
  ...['dumpIonGraph', 'enableWasmDebugger', 'useIRDump', 'useJITDump', 'useSamplingProfiler', 'useSourceCodeDump'],
  ...['useTextMarkers'],
].map((name) => `JSC_${name}`);

/** Functions of the C library, and with what it calls in their place: names as long, and the same arguments. */
const imported: readonly (readonly [string, string])[] = [['setrlimit', 'getrlimit']];

/** Overwrites a name, with what is repeated to its length, where it is a string of its own. @returns whether it was found */
function seal(image: Buffer, name: string, never: string): boolean {
  const text = Buffer.from(`\0${name}\0`);
  let found = false;
  for (let at = image.indexOf(text); at !== -1; at = image.indexOf(text, at + 1)) {
    image.fill(never, at + 1, at + 1 + name.length);
    found = true;
  }
  return found;
}

/** The machine of an executable, EM_X86_64 (elf(5)). */
const x86 = 62;

/**
 * JavaScriptCore asks getenv(3) for this name once, and runs without a compiler where the value is no number but 0, or
 * empty. Only an absent one means that it may compile: with two bytes changed it counts as an empty one.
 *
 *   bf NAME          mov edi, NAME            31 db     xor ebx, ebx   the text is none, becomes
 *   e8 ....          call getenv              b3 01     mov bl, 1      the text is some, of the length
 *   48 85 c0 74 15   test rax, rax; je        31 c0     xor eax, eax   0
 *
 * Elsewhere than on x86-64 the compiler stays, which takes nothing but time.
 *
 * @returns whether the code was found, once
 */
function leaveOutCompiler(image: Buffer): boolean {
  if (image.readUInt16LE(18) !== x86) return true;
  const name = addressOf(image, image.indexOf('\0JavaScriptCoreUseJIT\0') + 1);
  if (name === undefined) return false;
  const asked = Buffer.from([0xbf, 0, 0, 0, 0, 0xe8]);
  asked.writeUInt32LE(name, 1);
  const at = image.indexOf(asked);
  if (at === -1 || image.indexOf(asked, at + 1) !== -1) return false;
  const tested = at + 10;
  if (image.subarray(tested, tested + 4).toString('hex') !== '4885c074') return false;
  const absent = tested + 5 + image.readInt8(tested + 4);
  if (image.subarray(absent, absent + 7).toString('hex') !== '31db31c04885db') return false;
  image.set([0xb3, 0x01], absent);
  return true;
}

/** Where a byte of the file lies in memory (elf(5), a program that is not position-independent). */
function addressOf(image: Buffer, offset: number): number | undefined {
  const [headers, size, count] = [Number(image.readBigUInt64LE(32)), image.readUInt16LE(54), image.readUInt16LE(56)];
  for (let i = 0; i < count; i += 1) {
    const header = image.subarray(headers + i * size, headers + (i + 1) * size);
    const [start, address, length] = [8, 16, 32].map((field) => Number(header.readBigUInt64LE(field))) as [
      number,
      number,
      number,
    ];
    if (header.readUInt32LE(0) === 1 && offset >= start && offset < start + length) return address + offset - start;
  }
  return undefined;
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: seal-executable.ts FILE');
const image = readFileSync(path);
const missing = [
  ...variables.filter((name) => !seal(image, name, '\0')),
  ...options.filter((name) => !seal(image, name, '=')),
  ...imported.flatMap(([name, instead]) => (seal(image, name, instead) ? [] : [name])),
];
if (!leaveOutCompiler(image)) throw new Error(`${path}: not the code that asks whether to compile`);
if (missing.length > 0) throw new Error(`${path}: no string "${missing.join('", "')}" to take out`);
writeFileSync(path, image);
