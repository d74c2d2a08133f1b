import { compiledText } from './compiled-text.js';
import { FABRICS } from './fabrics.js';

/** What this page needs of the browser; the types of a whole one would be those of every test. */
declare const document: { getElementById(id: string): { textContent: string; dataset: Record<string, string> } | null };

/** Everything that the compiler makes of the fabrics, for the test that has opened this page. */
const output = document.getElementById('output');
if (output === null) throw new Error('the page has no output');
output.textContent = JSON.stringify(Object.fromEntries(FABRICS.map(([name, intent]) => [name, compiledText(intent)])));
output.dataset['done'] = '';
