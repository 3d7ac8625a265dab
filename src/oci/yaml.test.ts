import assert from 'node:assert/strict';
import test from 'node:test';
import { parseYaml } from './yaml.ts';

const read = (text: string) => parseYaml(text, 'file "f"');

test('what people write: mappings, sequences, quotes, comments, flow', () => {
  const text = `# registries
---
registry.example.com:5000:
    images:
        busybox: []
        redis:
            - "1.0"   # quoted
            - 2.10
        'it''s': {a: b, "c d": [1, 2]}
    images-by-tag-regex:
        nginx: ^1\\.13\\.[12]-alpine#perl$
    credentials: {username: john, password: "a # b: \\"c\\""}
    empty:
    none: ~
list:
- a: 1
  b:
  - x
  - - deep
- plain text, with: nothing
`;
  assert.deepEqual(read(text), {
    'registry.example.com:5000': {
      images: { busybox: [], redis: ['1.0', '2.10'], "it's": { a: 'b', 'c d': ['1', '2'] } },
      'images-by-tag-regex': { nginx: '^1\\.13\\.[12]-alpine#perl$' },
      credentials: { username: 'john', password: 'a # b: "c"' },
      empty: null,
      none: null,
    },
    list: [{ a: '1', b: ['x', ['deep']] }, { 'plain text, with': 'nothing' }],
  });
  assert.equal(read(''), null);
  assert.equal(read('word'), 'word');
  assert.deepEqual(read('__proto__: x\n'), JSON.parse('{"__proto__":"x"}'));
});

for (const [text, code, says] of [
  ['a: &x 1', 'unsupported', /line 1: "&"/],
  ['a: |\n  text', 'unsupported', /block texts/],
  ['a: 1\n---\nb: 2', 'unsupported', /line 2: several documents/],
  ['a: 1\n  b: 2', 'invalid', /line 2 is indented further/],
  ['a:\n\t- b', 'invalid', /line 2: a tab/],
  ['a: 1\na: 2', 'invalid', /line 2 has the key "a" a second time/],
  ['a: [1, 2', 'invalid', /neither "," nor "]"/],
  ['a: "x', 'invalid', /has no closing "/],
  ['a: "x" y', 'invalid', /has "y" too many/],
  ['a: 1\nb', 'invalid', /line 2 is no "key: value"/],
  ['  a: 1\nb: 2', 'invalid', /line 2 does not fit/],
  [`${'- '.repeat(60)}x`, 'invalid', /over 50 levels/],
  [`a: ${'['.repeat(60)}`, 'invalid', /over 50 levels/],
] as const) {
  test(`refused: ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.throws(
      () => read(text),
      (error: { code?: string; message?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message ?? '', says);
        return true;
      },
    );
  });
}

test('whatever comes ends, with a value or a refusal', () => {
  let seed = 7;
  const random = (limit: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % limit;
  };
  const words = ['a', ':', ' ', '\n', '- ', '  ', '"', "'", '[', ']', '{', '}', ',', '#', '\\', 'null', '~', '|'];
  for (let round = 0; round < 3000; round += 1) {
    const text = Array.from({ length: random(30) }, () => words[random(words.length)]).join('');
    try {
      JSON.stringify(read(text));
    } catch (error) {
      assert.match(String(Reflect.get(error as object, 'code')), /^(invalid|unsupported)$/, text);
    }
  }
});
