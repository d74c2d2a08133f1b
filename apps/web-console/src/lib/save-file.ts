/** Has the browser save a text under a name. */
export function saveFile(
  name: string,
  text: string,
  type: 'application/json' | 'text/plain' = 'application/json',
): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
