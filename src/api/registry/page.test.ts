import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onePage, parsePage } from './page.ts';

const page = (query: string) => parsePage(new URLSearchParams(query));

test('what is asked for', () => {
  assert.deepEqual(page(''), { limit: 1000, after: '' });
  assert.deepEqual(page('n=3&last=b'), { limit: 3, after: 'b' });
  assert.deepEqual(page('n=999999'), { limit: 1000, after: '' });
  assert.deepEqual(page('n=0'), { limit: 0, after: '' });
  for (const wrong of ['n=-1', 'n=x', 'n=1.5', 'n=99999999999']) assert.equal(page(wrong), undefined, wrong);
});

test('a page names the next one as long as there is more', () => {
  const asked = { limit: 2, after: '' };
  const { names, headers } = onePage(['a', 'b+c', 'd'], asked, '/v2/x/tags/list');
  assert.deepEqual(names, ['a', 'b+c']);
  assert.equal(headers['link'], '</v2/x/tags/list?n=2&last=b%2Bc>; rel="next"');
  assert.deepEqual(onePage(['a', 'b'], asked, '/'), { names: ['a', 'b'], headers: {} });
  assert.deepEqual(onePage([], { limit: 0, after: '' }, '/'), { names: [], headers: {} });
});
