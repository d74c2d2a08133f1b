import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = new URL('../../../', import.meta.url);
const known = new Map<string, ReadonlySet<string>>();

/** Titles of the tests in a file of the repository; undefined when there is no such file. */
export function testTitlesOf(file: string): ReadonlySet<string> | undefined {
  const path = fileURLToPath(new URL(file, root));
  if (file === '' || !existsSync(path)) return undefined;
  const titles = known.get(file) ?? testTitles(readFileSync(path, 'utf8'));
  known.set(file, titles);
  return titles;
}

/** Titles of the tests in a spec, as they stand in the source: `it`, `test`, `it.each(…)`, but not what is skipped. */
export function testTitles(source: string): ReadonlySet<string> {
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node.expression)) {
      const title = node.arguments[0];
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.add(title.text);
      else if (title !== undefined && ts.isTemplateExpression(title)) titles.add(title.getText().slice(1, -1));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('spec.ts', source, ts.ScriptTarget.Latest, true));
  return titles;
}

function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'test';
  if (ts.isCallExpression(callee)) return isTest(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return isTest(callee.tag);
  if (!ts.isPropertyAccessExpression(callee)) return false;
  return !['skip', 'todo', 'fails'].includes(callee.name.text) && isTest(callee.expression);
}
