import { describe, expect, it } from 'vitest';
import { readableLogLine } from './log-line.js';

describe('a log line for a person', () => {
  it.each([
    [
      '{"level":"info","time":"2026-11-25T22:34:45.224Z","service":"weft-edge","edgeId":"a1","count":3,"msg":"connected"}',
      '22:34:45.224 info connected edgeId="a1" count=3',
    ],
    [
      '{"level":"fatal","time":"2026-11-25T22:34:45.224Z","err":{"type":"E","message":"no initdb","stack":"E: no\\n at x","output":""},"msg":"does not start"}',
      '22:34:45.224 fatal does not start: no initdb',
    ],
    ['{"msg":"failed","err":{"message":"initdb","output":"no space"}}', 'failed: initdb (no space)'],
    ['node:internal/modules: cannot find module', 'node:internal/modules: cannot find module'],
    ['{"level":"info"', '{"level":"info"'],
    ['{"answer":42}', '{"answer":42}'],
  ])('%s', (line, expected) => {
    expect(readableLogLine(line)).toBe(expected);
  });
});
