import { describe, expect, it } from 'vitest';
import { readToEnd } from './lists.js';

describe('readToEnd', () => {
  it('asks for page after page until one says that it is the last', async () => {
    const asked: object[] = [];
    const pages = [
      { items: ['a', 'b'], next: 'behind b' },
      { items: [], next: 'behind c' },
      { items: ['d'], next: null },
    ];
    const all = await readToEnd(async (query) => {
      asked.push(query);
      const page = pages[asked.length - 1];
      if (page === undefined) throw new Error('asked for a page behind the last');
      return page;
    });
    expect(all).toEqual({ items: ['a', 'b', 'd'] });
    expect(asked).toEqual([{ limit: 1000 }, { limit: 1000, after: 'behind b' }, { limit: 1000, after: 'behind c' }]);
  });

  it('shows nothing of a list that could not be read to its end', async () => {
    let pages = 0;
    const read = async () => {
      pages += 1;
      if (pages === 2) throw new Error('refused');
      return { items: ['a'], next: 'behind a' };
    };
    await expect(readToEnd(read)).rejects.toThrow('refused');
  });
});
